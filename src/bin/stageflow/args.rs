//! What may be typed: the commands and their arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An embeddable business-process engine, from the shell.
///
/// `check` and `test` work on files of definitions. All other commands work on a database file, named by `--db` or by the
/// variable STAGEFLOW_DB; `deploy` makes it.
#[derive(Parser)]
#[command(name = "stageflow", version, after_help = TOUR, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

const TOUR: &str = "\
A first walk:
  stageflow --db crm.db deploy processes/crm.yaml
  stageflow --db crm.db create user --id anna name=Anna 'roles=[employee]'
  stageflow --db crm.db --as anna create lead --id globex need_type=hardware contact_name=Olga owner=anna
  stageflow --db crm.db --as anna start lead_management --for globex
  stageflow --db crm.db tasks";

/// What every command on a database file takes.
#[derive(Args)]
pub struct Common {
    /// The database file.
    #[arg(long, global = true, env = "STAGEFLOW_DB", value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Who acts: the id of a `user` record. The host itself when left out: it may do everything.
    #[arg(long = "as", global = true, value_name = "USER")]
    pub actor: Option<String>,
    /// How the answer is written.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The language of titles.
    #[arg(long, global = true, default_value = "en")]
    pub lang: String,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document for programs.
    Json,
}

/// Which warnings are refused.
#[derive(Clone, Copy, ValueEnum)]
pub enum Deny {
    /// All of them.
    Warnings,
}

const VALUES: &str = "\
A value is written `name=value` and read by the declared type: `budget='900 rub'` as an amount with its currency, `owner=anna`
as a record, `roles=[employee]` as a list, `name=` or `name=null` as nothing.";

/// Which instances are meant; all that run when nothing is said.
#[derive(Args, Debug)]
pub struct On {
    /// Of instances about this record.
    #[arg(long = "for", value_name = "RECORD")]
    pub about: Option<String>,
    /// Of this instance: its id, or its process when one of it runs.
    #[arg(long, value_name = "INSTANCE")]
    pub of: Option<String>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Says every problem of libraries and processes, each with its place and help. Exit code 1 when there is one.
    #[command(after_help = "Example: stageflow check processes --deny warnings")]
    Check {
        /// Files and folders.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Warnings count as problems too.
        #[arg(long, value_name = "warnings")]
        deny: Option<Deny>,
    },
    /// Makes a drawn model, BPMN 2.0 XML, into a library with its processes: YAML files in a folder.
    #[command(after_help = "Example: stageflow import processes/drawn/parcel.bpmn --into parcel")]
    Import {
        /// The model's file.
        model: PathBuf,
        /// The folder that the files are written to; without it they are shown.
        #[arg(long, value_name = "folder")]
        into: Option<PathBuf>,
        /// Files that are there already are written anew.
        #[arg(long)]
        replace: bool,
    },
    /// Makes the processes of a library that are in flat form into a model, BPMN 2.0 XML. What has not changed since they were
    /// imported stays as it was drawn.
    #[command(after_help = "Example: stageflow export parcel/parcel.library.yaml --into parcel.bpmn")]
    Export {
        /// The library's file, or its folder.
        path: PathBuf,
        /// The model that the processes were imported from; without it the one that the library names.
        #[arg(long, value_name = "model", conflicts_with = "redraw")]
        drawing: Option<PathBuf>,
        /// Everything is drawn anew, in a plain diagram.
        #[arg(long)]
        redraw: bool,
        /// The file that the model is written to; without it the model is shown.
        #[arg(long, value_name = "file")]
        into: Option<PathBuf>,
        /// A file that is there already is written anew.
        #[arg(long)]
        replace: bool,
    },
    /// Runs scenarios, each in memory and in a SQLite file. Exit code 1 when one does not hold.
    #[command(after_help = "Example: stageflow test processes/scenarios")]
    Test {
        /// Scenario files and folders of them.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Closes the engine and opens it again on the same data before every step: nothing may be lost, and no result may change.
        #[arg(long)]
        restart: bool,
    },
    /// Puts a library with its processes into the database file, or a new version of them.
    #[command(after_help = "Example: stageflow --db crm.db deploy processes/crm.yaml")]
    Deploy {
        /// The library's file.
        path: PathBuf,
        /// A version that nothing runs on may be replaced under the same number.
        #[arg(long)]
        replace: bool,
    },
    /// Starts a process.
    #[command(after_help = "Example: stageflow --as anna start lead_management --for globex")]
    Start {
        process: String,
        /// The record it is about.
        #[arg(long = "for", value_name = "RECORD")]
        about: Option<String>,
        /// A column of the record that is made for it; may be repeated.
        #[arg(long, value_name = "COLUMN=VALUE")]
        new: Vec<String>,
        /// A version; the newest when left out.
        #[arg(long)]
        version: Option<u32>,
        /// Parameters, `name=value`.
        with: Vec<String>,
    },
    /// Lists open tasks, by due date.
    #[command(after_help = "Example: stageflow tasks --of anna")]
    Tasks {
        /// Those that a user has or may claim.
        #[arg(long, value_name = "USER")]
        of: Option<String>,
        /// Those about a record.
        #[arg(long = "for", value_name = "RECORD")]
        about: Option<String>,
    },
    /// Shows a task: what its form asks for and how it may end.
    #[command(after_help = "Example: stageflow task qualify_lead")]
    Task { task: String },
    /// Completes a task: by its step, when only one is open, or by its id.
    #[command(after_help = format!("Example: stageflow --as anna complete qualify_lead qualified\n\n{VALUES}"))]
    Complete {
        task: String,
        /// How it ends; may be left out when there is only one way.
        outcome: Option<String>,
        /// Entries of the form, `name=value`; columns of the record as `self.column=value`.
        form: Vec<String>,
    },
    /// Lists what running instances offer people besides their tasks: actions, such as to withdraw, and the steps of ad-hoc sub-processes.
    #[command(after_help = "Example: stageflow actions --for globex")]
    Actions {
        #[command(flatten)]
        on: On,
    },
    /// Uses an action that a running instance offers, or begins a step that it offers.
    #[command(after_help = format!("Example: stageflow --as anna act withdraw --for 9f3a12bc reason='found some'\n\n{VALUES}"))]
    Act {
        action: String,
        #[command(flatten)]
        on: On,
        /// Entries of its form, `name=value`.
        form: Vec<String>,
    },
    /// Takes a task that one may do.
    #[command(after_help = "Example: stageflow --as anna claim qualify_lead")]
    Claim { task: String },
    /// Gives a claimed task back.
    #[command(after_help = "Example: stageflow --as anna release qualify_lead")]
    Release { task: String },
    /// Gives a task to somebody else.
    #[command(after_help = "Example: stageflow reassign qualify_lead bob")]
    Reassign { task: String, user: String },
    /// Publishes a message, and says what happened to it.
    #[command(after_help = format!("Example: stageflow send payment_registered --key 9f3a12bc amount=100\n\n{VALUES}"))]
    Send {
        message: String,
        /// Whom it is for: the value that its receiver waits with.
        #[arg(long)]
        key: Option<String>,
        /// Its values, `name=value`.
        with: Vec<String>,
    },
    /// Throws a signal to all that wait for it.
    #[command(after_help = "Example: stageflow signal sale_closed sale=order/9f3a12bc success=true")]
    Signal {
        signal: String,
        /// Its values, `name=value`.
        with: Vec<String>,
    },
    /// Makes a record.
    #[command(after_help = format!("Example: stageflow create user --id anna name=Anna 'roles=[employee]'\n\n{VALUES}"))]
    Create {
        entity: String,
        /// An id of one's own.
        #[arg(long)]
        id: Option<String>,
        /// Columns, `name=value`.
        set: Vec<String>,
    },
    /// Changes columns of a record.
    #[command(after_help = format!("Example: stageflow --as anna set globex contact_name=Olga\n\n{VALUES}"))]
    Set {
        record: String,
        /// Columns, `name=value`.
        #[arg(required = true)]
        set: Vec<String>,
    },
    /// Deletes a record, with its children; what runs about it is canceled.
    #[command(after_help = "Example: stageflow delete lead/globex")]
    Delete { record: String },
    /// Lists records of an entity.
    #[command(after_help = "Example: stageflow records lead stage=awaiting_sale --columns name,stage")]
    Records {
        entity: String,
        /// Only those whose columns have these values, `name=value`.
        wanted: Vec<String>,
        /// The columns that are shown; those with a value when left out.
        #[arg(long, value_delimiter = ',')]
        columns: Vec<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows a record: every column, and what was changed in it by whom.
    #[command(after_help = "Example: stageflow show globex")]
    Show { record: String },
    /// Lists instances that run, or all.
    #[command(after_help = "Example: stageflow instances --for globex --all")]
    Instances {
        /// Of this process.
        #[arg(long)]
        process: Option<String>,
        /// About this record.
        #[arg(long = "for", value_name = "RECORD")]
        about: Option<String>,
        /// Those that have ended too.
        #[arg(long)]
        all: bool,
    },
    /// Says what happened in an instance, step by step.
    #[command(after_help = "Example: stageflow history 9f3a12bc")]
    History { instance: String },
    /// Lists open incidents: what stands still, why, and the ways out.
    #[command(after_help = "Example: stageflow incidents")]
    Incidents,
    /// Does the step of an incident again.
    #[command(after_help = "Example: stageflow retry no_customer")]
    Retry {
        /// Its id, or its code or step when only one is open.
        incident: String,
    },
    /// Leaves an incident by one of its ways, or gives by hand what its step would have given.
    #[command(after_help = "Example: stageflow resolve no_customer give_up")]
    Resolve {
        incident: String,
        way: String,
        /// What the step would have given, `name=value`.
        with: Vec<String>,
    },
    /// Goes on behind the step of an incident as if it had been done.
    #[command(after_help = "Example: stageflow skip 9f3a12bc")]
    Skip { incident: String },
    /// Cancels an instance with everything that it called.
    #[command(after_help = "Example: stageflow cancel 9f3a12bc")]
    Cancel { instance: String },
    /// Lists emitted stage transitions, with what caused them.
    #[command(after_help = "Example: stageflow transitions --for globex")]
    Transitions {
        /// Of this record.
        #[arg(long = "for", value_name = "RECORD")]
        about: Option<String>,
    },
    /// Shows the settings, or changes one.
    #[command(after_help = "Example: stageflow setting awaiting_alarm '30 days'")]
    Setting { name: Option<String>, value: Option<String> },
    /// Lists the jobs that wait for the program which does outside work.
    #[command(after_help = "Example: stageflow jobs")]
    Jobs,
    /// Fires due timers, and answers jobs of the services that are named; says which jobs still wait.
    #[command(after_help = "Example: stageflow work --answer send_mail:message_id=m1 --fail charge:declined")]
    Work {
        /// A service and what it gives back.
        #[arg(long, value_name = "SERVICE[:NAME=VALUE,...]")]
        answer: Vec<String>,
        /// A service and the error it raises; without an error it breaks, and is tried again as its step says.
        #[arg(long, value_name = "SERVICE[:ERROR]")]
        fail: Vec<String>,
    },
    /// Moves the file's clock forward and fires what becomes due, in order.
    #[command(after_help = "Example: stageflow advance 14 days")]
    Advance {
        /// How far: `5 min`, `14 days`, `2 working days`, `PT5M`.
        #[arg(required = true)]
        by: Vec<String>,
    },
}
