//! User tasks: who does them, until when, and what their forms ask for.

use super::condition::{self, is_marked, text as quoted};
use super::data::{map_of, variable_type};
use super::import::{Import, title};
use super::vendor::{extension, extra};
use super::words::snake;
use super::xml::Tag;
use super::yaml::Out;

impl<'x> Import<'x> {
    pub(super) fn user_task(&mut self, tag: Tag<'x>) -> Out {
        self.process.has_tasks = true;
        let mut what = Out::map();
        if tag.attr("name").is_none() {
            what.put("title", title(tag.id()));
        }
        match self.assignment(tag) {
            Some(assign) => what.put("assign", Out::text(assign)),
            None if self.links.in_lanes.contains(tag.id()) => {}
            None => {
                tag.warn(
                    format!("nothing says who does {}", tag.called()),
                    "anybody of the role `anybody` may; write an assignee, a group or a lane",
                );
                what.put("assign", Out::text(format!("role({})", self.role("anybody"))));
            }
        }
        if let Some(due) = self.due(tag) {
            what.put("due", Out::text(due));
        }
        let inputs = self.own_inputs(tag);
        if let Some(key) = self.form_key(tag) {
            what.put("form_key", Out::text(key));
        }
        let mut form = self.form(tag);
        let outputs = self.outputs(tag, "");
        if form.is_empty() && outputs.is_empty() {
            form = self.open_form(tag);
        }
        what.extend(form);
        for (key, mapped) in [("inputs", inputs), ("outputs", outputs)] {
            if !mapped.is_empty() {
                what.put(key, map_of(mapped));
            }
        }
        what
    }

    /// Who does a user task.
    fn assignment(&mut self, task: Tag<'x>) -> Option<String> {
        let definition = extension(task, "assignmentDefinition");
        let of = |name: &str| extra(task, name).or_else(|| definition.and_then(|tag| tag.attr(name)));
        let place = |name: &str| if extra(task, name).is_some() { task } else { definition.unwrap_or(task) };
        let (user, groups, users) = (of("assignee"), of("candidateGroups"), of("candidateUsers"));
        if let Some(user) = user {
            if groups.is_some() || users.is_some() {
                let message = format!("the candidates of {} mean nothing beside its assignee", task.called());
                task.warn(message, "whoever may reassign tasks gives it to somebody else");
            }
            return Some(self.user(place("assignee"), user));
        }
        if groups.is_some() && users.is_some() {
            task.warn(
                format!("the candidate users of {} are left out", task.called()),
                "its candidate groups may do it: give one of their roles to these users",
            );
        }
        if let Some(groups) = groups {
            return Some(self.candidates(place("candidateGroups"), groups));
        }
        match users {
            Some(users) => Some(self.candidate_users(task, users)),
            None => self.owners(task),
        }
    }

    fn user(&mut self, place: Tag<'x>, user: &str) -> String {
        if is_marked(user) { self.expression(place, user) } else { quoted(user) }
    }

    fn candidate_users(&mut self, task: Tag<'x>, users: &str) -> String {
        let name = format!("candidates of {}", task.attr("name").unwrap_or(task.id()));
        task.warn(
            format!("the candidates {users} become a role"),
            format!("give them the role `{}`", snake(&name, "role")),
        );
        format!("role({})", self.role(&name))
    }

    /// Who may do a task, as BPMN itself says it: `user(name)`, `group(name)`, a name, or a resource.
    fn owners(&mut self, task: Tag<'x>) -> Option<String> {
        let kinds = ["humanPerformer", "performer", "potentialOwner", "resourceRole"];
        let owner = kinds.into_iter().find_map(|kind| task.first(kind))?;
        if let Some((_, resource)) = owner.text_of("resourceRef") {
            let resource = super::xml::local(&resource).to_string();
            let name = self.links.by_id.get(&*resource).and_then(|tag| tag.attr("name")).unwrap_or(&resource);
            return Some(format!("role({})", self.role(name)));
        }
        let (place, text) = owner.first("resourceAssignmentExpression")?.text_of("formalExpression")?;
        if matches!(owner.name(), "humanPerformer" | "performer") {
            return Some(
                self.user(place, text.strip_prefix("user(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(&text)),
            );
        }
        if is_marked(&text) {
            return Some(self.candidates(place, &text));
        }
        let inside = |part: &str, kind: &str| {
            Some(part.trim().strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')?.trim().to_string())
        };
        let users: Vec<String> = text.split(',').filter_map(|part| inside(part, "user")).collect();
        let groups: Vec<String> = text
            .split(',')
            .filter(|part| inside(part, "user").is_none())
            .map(|part| inside(part, "group").unwrap_or(part.trim().to_string()))
            .collect();
        if groups.is_empty() {
            return Some(self.candidate_users(task, &users.join(", ")));
        }
        if !users.is_empty() {
            let message = format!("the candidate users {} of {} are left out", users.join(", "), task.called());
            task.warn(message, "its candidate groups may do it: give one of their roles to these users");
        }
        Some(self.candidates(place, &groups.join(",")))
    }

    /// Anybody of one of these groups.
    fn candidates(&mut self, place: Tag<'x>, groups: &str) -> String {
        if is_marked(groups) {
            return match condition::list_of_texts(groups) {
                Some(names) => self.any_role(&names.iter().map(String::as_str).collect::<Vec<_>>()),
                None => format!("role(= {})", self.expression(place, groups)),
            };
        }
        let names: Vec<&str> = groups.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if let Some(name) = names.iter().find(|name| name.contains(['$', '#', '{', '}'])) {
            let help = "write the groups' names, or one expression that gives a name";
            place.refuse("bpmn-expression", format!("`{name}` among groups is not understood"), help);
        }
        self.any_role(&names)
    }

    fn any_role(&mut self, names: &[&str]) -> String {
        if let [one] = names {
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

    /// When a task is due.
    fn due(&mut self, task: Tag<'x>) -> Option<String> {
        let schedule = extension(task, "taskSchedule");
        if let Some(schedule) = schedule.filter(|tag| tag.attr("followUpDate").is_some()) {
            schedule.warn("`followUpDate` means nothing here", "a task is open as soon as it is reached");
        }
        let (place, due) = match extra(task, "dueDate") {
            Some(due) => (task, due),
            None => schedule.and_then(|tag| Some((tag, tag.attr("dueDate")?)))?,
        };
        Some(match (is_marked(due), due.starts_with('P')) {
            (true, _) => self.moment(place, due, "date and time"),
            (false, true) => due.to_string(),
            (false, false) => format!("@\"{due}\""),
        })
    }

    /// The host's form that shows a task.
    fn form_key(&mut self, task: Tag<'x>) -> Option<String> {
        let definition = extension(task, "formDefinition");
        let named =
            |tag: Tag<'x>| ["formKey", "formId", "externalReference"].into_iter().find_map(|name| tag.attr(name));
        let (place, key) = match extra(task, "formKey").or_else(|| extra(task, "formRef")) {
            Some(key) => (task, key),
            None => definition.and_then(|tag| Some((tag, named(tag)?)))?,
        };
        if let Some(binding) = definition.filter(|tag| tag.attr("bindingType").is_some_and(|kind| kind != "latest")) {
            binding
                .warn("which version of a form is shown is the host's to know", "the name of the form is carried over");
        }
        Some(self.filled(place, key))
    }

    /// A text with `${…}` in it, as a text to be filled in here.
    fn filled(&mut self, place: Tag<'x>, text: &str) -> String {
        let braces = |words: &str| words.replace('{', "{{").replace('}', "}}");
        let piece = |(is_expression, at, words): (bool, usize, &str)| match is_expression {
            true => format!("{{{}}}", self.expression_in(place, (text, at), words)),
            false => braces(words),
        };
        condition::pieces(text).into_iter().map(piece).collect()
    }

    /// A form that may give each variable anew, where the model does not say which: it is known to the host's form only.
    fn open_form(&mut self, task: Tag<'x>) -> Out {
        let all = self.all_given(task);
        let mut what = Out::map();
        if !all.is_empty() {
            let entry = |name: &String| Out::of([(name.clone(), Out::text("any"))]);
            what.put("form", Out::List(all.iter().map(entry).collect()));
            what.put("keep", Out::words(all));
        }
        what
    }

    /// Form fields of a user task: what the form asks for, kept in variables.
    fn form(&mut self, task: Tag<'x>) -> Out {
        let (mut entries, mut kept, mut required) = (Vec::new(), Vec::new(), Vec::new());
        for field in fields(task) {
            let name = self.variable(field.attr("variable").unwrap_or(field.id()));
            entries.push(Out::of([(name.clone(), self.field_type(field))]));
            let more =
                ["label", "defaultValue", "default", "expression"].into_iter().filter(|key| field.attr(key).is_some());
            let more: Vec<&str> = more.collect();
            if !more.is_empty() {
                let message = format!("{} of the field `{name}` stays in the drawing", more.join(" and "));
                field.warn(message, "the host's form shows it; a gateway behind the task may set what is missing");
            }
            if self.is_required(field) {
                required.push(name.clone());
            }
            kept.push(name);
        }
        let mut what = Out::map();
        if !entries.is_empty() {
            what.put("form", Out::List(entries));
            what.put("keep", Out::words(kept));
        }
        if !required.is_empty() {
            let completed = Out::of([("require", Out::words(required))]);
            what.put("outcomes", Out::of([("completed", completed)]));
        }
        what
    }

    fn field_type(&self, field: Tag<'x>) -> Out {
        let plain = |ty: &str| Out::text(ty);
        if field.attr("type") != Some("enum") {
            return plain(variable_type(field.attr("type")));
        }
        let values: Vec<Tag<'x>> = field.children().filter(|tag| tag.name() == "value").collect();
        if let Some(value) = values.iter().find(|value| snake(value.id(), "") != value.id()) {
            let message = format!("the choices of `{}` become texts: `{}` is no name here", field.id(), value.id());
            value.warn(message, "names have small letters, digits and underscores");
            return plain("text");
        }
        let titled = |value: &Tag<'x>| (value.id(), value.attr("name").map_or(Out::Nothing, title));
        let choices = Out::of(values.iter().map(titled));
        if values.is_empty() { plain("text") } else { Out::of([("enum", choices)]) }
    }

    /// Whether a form cannot be sent without a field; what else restricts it is said.
    fn is_required(&self, field: Tag<'x>) -> bool {
        let mut required = field.flag("required") == Some(true);
        for constraint in field.children().filter(|tag| tag.name() == "validation").flat_map(Tag::children) {
            match constraint.attr("name") {
                Some("required") => required = true,
                Some(name) => constraint.warn(
                    format!("the constraint `{name}` of `{}` is not checked", field.id()),
                    "the host's form checks it, or a gateway behind the task",
                ),
                None => {}
            }
        }
        if field.flag("writable") == Some(false) || field.flag("readable") == Some(false) {
            field.warn(format!("`{}` may be read and written here", field.id()), "the host's form says otherwise");
        }
        required
    }

    /// The variables that the form of a start asks for: a start may give them.
    pub(super) fn start_form(&mut self, event: Tag<'x>) {
        for field in fields(event).collect::<Vec<_>>() {
            self.variable(field.attr("variable").unwrap_or(field.id()));
        }
    }
}

fn fields(tag: Tag<'_>) -> impl Iterator<Item = Tag<'_>> {
    let data = tag.extensions().filter(|tag| tag.name() == "formData").flat_map(Tag::children);
    let properties = tag.extensions().filter(|tag| tag.name() == "formProperty");
    data.filter(|tag| tag.name() == "formField").chain(properties)
}
