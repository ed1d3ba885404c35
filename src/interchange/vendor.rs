//! What Camunda 7 and 8 and Flowable write beside BPMN: attributes and elements of their own namespaces.

use super::condition::is_marked;
use super::data::variable_type;
use super::import::Import;
use super::xml::{BPMN, Tag};
use super::yaml::Out;

/// Attributes of vendors that are carried over.
const KNOWN: &[&str] = &[
    "assignee",
    "candidateGroups",
    "candidateUsers",
    "topic",
    "type",
    "delegateExpression",
    "class",
    "expression",
    "formKey",
    "dueDate",
    "followUpDate",
    "collection",
    "elementVariable",
    "elementIndexVariable",
    "resultVariable",
    "decisionRef",
    "initiator",
    "modelerTemplate",
    "modelerTemplateVersion",
    "modelerTemplateIcon",
    "resultVariableName",
];

/// Elements of vendors that are carried over, or only say how a model is shown.
const CARRIED: &[&str] = &[
    "taskDefinition",
    "assignmentDefinition",
    "calledElement",
    "formDefinition",
    "ioMapping",
    "loopCharacteristics",
    "subscription",
    "taskSchedule",
    "calledDecision",
    "inputOutput",
    "failedJobRetryTimeCycle",
    "formData",
    "formProperty",
    "in",
    "out",
    "properties",
    "property",
    "userTask",
    "script",
    "taskHeaders",
    "versionTag",
    "modelerTemplateIcon",
    "info",
];

impl<'x> Import<'x> {
    /// Says which of a vendor's additions mean nothing here.
    pub(super) fn ignored(&self, tag: Tag<'x>) {
        for attribute in tag.node.attributes() {
            let foreign = attribute
                .namespace()
                .is_some_and(|space| space != BPMN && !space.contains("w3.org") && !space.contains("omg.org"));
            if foreign && !KNOWN.contains(&attribute.name()) {
                let message = format!("`{}` of {} means nothing here", attribute.name(), tag.called());
                tag.warn(message, "every wait is durable; what the host does, it does in its services");
            }
        }
        let other = |extension: &Tag<'x>| {
            !CARRIED.contains(&extension.name()) && extension.node.tag_name().namespace() != Some(super::export::OWN)
        };
        for extension in tag.extensions().filter(other) {
            extension.warn(
                format!("`{}` of {} is not run", extension.name(), tag.called()),
                "give it to a service of its own, drawn as a task",
            );
        }
    }

    /// Who does a user task.
    pub(super) fn assignment(&mut self, task: Tag<'x>) -> Option<String> {
        let definition = task.extensions().find(|tag| tag.name() == "assignmentDefinition");
        let of = |name: &str| extra(task, name).or_else(|| definition.and_then(|tag| tag.attr(name)));
        if let Some(user) = of("assignee") {
            return Some(if is_marked(user) { self.expression(task, user) } else { super::condition::text(user) });
        }
        let groups = of("candidateGroups").map(str::to_string).or_else(|| owners(task));
        if let Some(groups) = groups {
            return Some(self.candidates(task, &groups));
        }
        let users = of("candidateUsers")?;
        let name = format!("candidates of {}", task.attr("name").unwrap_or(task.id()));
        task.warn(
            format!("the candidates {users} become a role"),
            format!("give them the role `{}`", super::words::snake(&name, "role")),
        );
        Some(format!("role({})", self.role(&name)))
    }

    /// Anybody of one of these groups.
    fn candidates(&mut self, task: Tag<'x>, groups: &str) -> String {
        if is_marked(groups) {
            return format!("role(= {})", self.expression(task, groups));
        }
        let names: Vec<&str> = groups.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if let [one] = names.as_slice() {
            return format!("role({})", self.role(one));
        }
        // Whoever has one of the roles has the role of them all.
        let all = self.role(&names.join(" or "));
        for name in names {
            let role = self.role(name);
            let inherits = self.roles.get(&role).and_then(|declared| declared.get("inherits")).cloned();
            let mut inherited = match inherits {
                Some(Out::List(items)) => items,
                _ => Vec::new(),
            };
            if !inherited.contains(&Out::text(&*all)) {
                inherited.push(Out::text(&*all));
            }
            if let Some(declared) = self.roles.get_mut(&role) {
                declared.put("inherits", Out::List(inherited));
            }
        }
        format!("role({all})")
    }

    /// Form fields of a user task: what the form asks for, kept in variables.
    pub(super) fn form(&mut self, task: Tag<'x>) -> Out {
        let mut entries = Vec::new();
        let mut kept = Vec::new();
        let data = task.extensions().filter(|tag| tag.name() == "formData").flat_map(Tag::children);
        let properties = task.extensions().filter(|tag| tag.name() == "formProperty");
        for field in data.filter(|tag| tag.name() == "formField").chain(properties) {
            let name = self.variable(field.id());
            let values: Vec<&str> =
                field.children().filter(|tag| tag.name() == "value").map(|value| value.id()).collect();
            let ty = match field.attr("type") {
                Some("enum") => {
                    Out::of([("enum", Out::words(values.iter().map(|id| super::words::snake(id, "value"))))])
                }
                other => Out::text(variable_type(other)),
            };
            entries.push(Out::of([(name.clone(), ty)]));
            kept.push(name);
        }
        let mut what = Out::map();
        if !entries.is_empty() {
            what.put("form", Out::List(entries));
            what.put("keep", Out::words(kept));
        }
        what
    }

    /// When a task is due.
    pub(super) fn due(&mut self, task: Tag<'x>) -> Option<String> {
        let schedule = task.extensions().find(|tag| tag.name() == "taskSchedule");
        let due = extra(task, "dueDate").or_else(|| schedule.and_then(|tag| tag.attr("dueDate")))?;
        Some(match (is_marked(due), due.starts_with('P')) {
            (true, _) => self.expression(task, due),
            (false, true) => due.to_string(),
            (false, false) => format!("@\"{due}\""),
        })
    }

    /// How often a service is tried again.
    pub(super) fn retry(&self, task: Tag<'x>) -> Option<Out> {
        let cycle = task.extensions().find(|tag| tag.name() == "failedJobRetryTimeCycle").map(|tag| tag.text());
        if let Some(cycle) = cycle {
            let parts: Vec<&str> = cycle.split('/').collect();
            if let [times, backoff] = parts.as_slice()
                && let Some(times) = times.strip_prefix('R').filter(|times| times.parse::<u32>().is_ok())
            {
                let entries =
                    [("times", Out::text(times)), ("backoff", Out::text(*backoff)), ("factor", Out::text("1"))];
                return Some(Out::of(entries));
            }
            task.warn(
                format!("the retries `{cycle}` are not understood"),
                "write `R3/PT10M`; the usual retries are done",
            );
        }
        let tries: u32 = task.extensions().find(|tag| tag.name() == "taskDefinition")?.attr("retries")?.parse().ok()?;
        Some(Out::of([("times", Out::text(tries.saturating_sub(1).to_string()))]))
    }
}

/// An attribute of a vendor's namespace.
pub(super) fn extra<'x>(tag: Tag<'x>, name: &str) -> Option<&'x str> {
    let vendors = |found: &roxmltree::Attribute<'x, 'x>| {
        found.namespace().is_some_and(|space| space != BPMN) && found.name() == name
    };
    tag.node.attributes().find(vendors).map(|found| found.value().trim()).filter(|value| !value.is_empty())
}

/// Who may do a task, as BPMN itself says it: `group(name)` or a name.
fn owners(task: Tag<'_>) -> Option<String> {
    let owner =
        task.first("potentialOwner").or_else(|| task.first("humanPerformer")).or_else(|| task.first("performer"))?;
    let (_, text) = owner.first("resourceAssignmentExpression")?.text_of("formalExpression")?;
    let group = text.strip_prefix("group(").and_then(|rest| rest.strip_suffix(')'));
    Some(group.unwrap_or(&text).to_string())
}

/// The service that does a task, by what vendors and BPMN itself call it.
pub(super) fn service_of(task: Tag<'_>) -> Option<String> {
    let definition = task.extensions().find(|tag| matches!(tag.name(), "taskDefinition" | "calledDecision"));
    if let Some(name) = definition.and_then(|tag| tag.attr("type").or(tag.attr("decisionId"))) {
        return Some(name.trim_start_matches('=').trim().trim_matches('"').to_string());
    }
    let named = ["topic", "decisionRef", "delegateExpression", "expression", "class"]
        .into_iter()
        .find_map(|name| extra(task, name));
    let own = || task.attr("implementation").filter(|name| !name.starts_with("##") && !name.contains("://"));
    let kind = || extra(task, "type").filter(|kind| *kind != "external");
    let name = named.or_else(own).or_else(kind)?;
    let name = name.trim_start_matches("${").trim_start_matches("#{").trim_end_matches('}');
    let name = name.split('(').next().unwrap_or(name);
    // Of a class, its own name.
    let is_path = name.matches('.').count() > 1;
    Some(if is_path { name.rsplit('.').next().unwrap_or(name).to_string() } else { name.to_string() })
}
