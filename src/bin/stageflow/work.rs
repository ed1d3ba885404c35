//! What happens without people: timers, the clock, and jobs of services that this program does not have.

use serde_json::json;
use stageflow::engine::{ClaimedJob, ServiceError};
use stageflow::instance::rows::{JobRow, Values};
use stageflow::instance::{Run, Status, WaitKind};
use stageflow::model::{Calendar, Duration, Name, Type};
use stageflow::store::InstanceFilter;

use crate::db::{self, Db, Failed, short};
use crate::print::{self, Done, Table};

/// How many jobs are claimed at once.
const CLAIMED: usize = 16;

/// Fires due timers and answers due jobs, until nothing is due any more.
pub fn work(db: &Db, answer: &[String], fail: &[String]) -> Result<Done, Failed> {
    let answers = answers(db, answer, fail)?;
    let services: Vec<&str> = answers.iter().map(|(service, _)| &**service).collect();
    let (mut timers, mut jobs, mut asked) = (0_usize, 0_usize, Vec::new());
    loop {
        let worked = db.engine.work()?;
        timers = timers.saturating_add(worked.timers as usize);
        let claimed = if services.is_empty() { Vec::new() } else { db.engine.claim_jobs(&services, CLAIMED)? };
        if claimed.is_empty() {
            break;
        }
        for job in claimed {
            jobs = jobs.saturating_add(1);
            asked.push(told(&job));
            give(db, &job, &answers)?;
        }
        db.engine.settle()?;
    }
    let waiting = waiting(db)?;
    let (fired, answered) = (print::count(timers, "timer", "timers"), print::count(jobs, "job", "jobs"));
    let mut text = format!("{fired} fired, {answered} answered");
    for line in &asked {
        text.push_str(&format!("\n  {line}"));
    }
    if !waiting.is_empty() {
        let mut services: Vec<String> = waiting.iter().map(|job| job.service.to_string()).collect();
        services.sort();
        services.dedup();
        let wait = print::count(waiting.len(), "job waits", "jobs wait");
        let more = format!("\n{wait} for {}: `stageflow jobs` says what is asked", services.join(", "));
        text.push_str(&more);
    }
    Ok(Done::new(text, json!({"timers": timers, "jobs": jobs, "asked": asked, "waiting": waiting.len()})))
}

/// What each named service answers.
type Answers = Vec<(Name, Result<Values, ServiceError>)>;

fn answers(db: &Db, answer: &[String], fail: &[String]) -> Result<Answers, Failed> {
    let library = db.library();
    let mut answers = Answers::new();
    for text in answer {
        let (service, values) = text.split_once(':').unwrap_or((text, ""));
        let Some(declared) = library.services.get(service) else {
            return Err(db::no("service", service, library.services.keys()));
        };
        let given: Vec<String> = values.split(',').filter(|part| !part.is_empty()).map(str::to_string).collect();
        let types: Vec<(Name, Type)> = declared.returns.clone();
        answers.push((Name::new(service), Ok(db.values(service, &given, &types)?.into_iter().collect())));
    }
    for text in fail {
        let (service, code) = text.split_once(':').map_or((&**text, None), |(service, code)| (service, Some(code)));
        let Some(declared) = library.services.get(service) else {
            return Err(db::no("service", service, library.services.keys()));
        };
        let error = match code {
            None => ServiceError::Broke("it was told to break".into()),
            Some(code) if declared.raises.iter().any(|known| &**known == code) => ServiceError::raise(code),
            Some(code) => return Err(db::no(&format!("error of {service}"), code, declared.raises.iter())),
        };
        answers.push((Name::new(service), Err(error)));
    }
    Ok(answers)
}

fn give(db: &Db, job: &ClaimedJob, answers: &Answers) -> Result<(), Failed> {
    let Some((_, answer)) = answers.iter().find(|(service, _)| *service == job.call.service) else { return Ok(()) };
    Ok(db.engine.complete_job(job, answer.clone())?)
}

fn told(job: &ClaimedJob) -> String {
    let with: Vec<String> = job.call.with.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} {}", job.call.service, with.join(" "))
}

/// The jobs that nobody has done yet.
fn waiting(db: &Db) -> Result<Vec<JobRow>, Failed> {
    let mut found = Vec::new();
    let mut filter = InstanceFilter { status: Some(Status::Running), limit: Some(1_000), ..InstanceFilter::default() };
    loop {
        let rows = db.engine.instances(&filter)?;
        let Some(last) = rows.last() else { return Ok(found) };
        filter.after = Some(last.id);
        for row in &rows {
            let Ok(Run { state, .. }) = db.engine.instance_state(row.id) else { continue };
            for wait in &state.waits {
                let WaitKind::Job(id) = wait.kind else { continue };
                db.engine.store().read(&mut |reader| {
                    found.extend(reader.job(id)?);
                    Ok(())
                })?;
            }
        }
    }
}

pub fn jobs(db: &Db) -> Result<(), Failed> {
    let mut table = Table::new(&["job", "service", "with", "attempt", "due"]);
    let mut all = Vec::new();
    for job in waiting(db)? {
        let with: Vec<String> = job.with.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let due = chrono::DateTime::from_timestamp_micros(job.due).unwrap_or_default();
        table.row([
            short(&job.id.to_string()).to_string(),
            job.service.to_string(),
            with.join(" "),
            job.attempt.to_string(),
            print::instant(due),
        ]);
        let with: serde_json::Map<_, _> =
            job.with.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
        all.push(json!({"job": job.id.to_string(), "service": job.service.to_string(), "with": with,
            "instance": job.instance.to_string(), "attempt": job.attempt, "due": due.to_rfc3339()}));
    }
    print::table(db, &table, all, "no job waits");
    Ok(())
}

/// Moves the file's clock.
pub fn advance(db: &Db, by: &str) -> Result<Done, Failed> {
    let length = Duration::parse(by).map_err(|error| Failed::usage(error.to_string()))?;
    let library = db.library();
    let calendar = library.calendar.as_ref().and_then(|name| library.calendars.get(name));
    let now = db.engine.now();
    let end = calendar.unwrap_or_else(|| Calendar::standard()).add(now, &length);
    let length = end.map(|end| end.signed_duration_since(now)).filter(|length| length.num_microseconds() >= Some(0));
    let length = length.ok_or_else(|| Failed::usage(format!("the clock cannot be moved by `{by}`")))?;
    let worked = db.engine.advance(length)?;
    let now = db.engine.now();
    let fired = print::count(worked.timers as usize, "timer", "timers");
    let text = format!("it is {} now; {fired} fired", print::instant(now));
    Ok(Done::new(text, json!({"now": now.to_rfc3339(), "timers": worked.timers})))
}
