//! What is true of whole expressions: reads, conjuncts, three-valued truth, templates, limits.

use super::*;

fn compile(text: &str) -> Expr {
    compile_in(&process(), text)
}

fn compile_in(names: &Names, text: &str) -> Expr {
    let span = Span::new(0, 0, text.len());
    Expr::compile(text, span, &World, names, None).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

fn path(read: &Read) -> String {
    let root = match &read.root {
        Root::Slot(slot) => format!("#{}", slot.0),
        Root::Setting(name) => format!("settings.{name}"),
        Root::Found => "found".to_owned(),
    };
    let step = |step: &ReadStep| {
        let of: Vec<&str> = step.of.iter().map(Name::as_str).collect();
        format!(".{}{}", step.column, if of.is_empty() { String::new() } else { format!("({})", of.join("|")) })
    };
    root + &read.path.iter().map(step).collect::<String>()
}

#[test]
fn reads_are_exact() {
    let texts = r#"
        1 + 2
        self.account.name = "x" and self.account.kind = b2b
        self = record
        settings.bonus + limit
        self.customer.email
        message.lines[total > 5].product
        for l in self.lines return l.lead.name
        some l in self.lines, m in message.lines satisfies l.total > m.total
        self.lines[1].lead.owner.manager
        get or else(self.account.manager, self.owner).name
        (if self.active then self.owner else user).manager.name
        sort(self.lines, quantity)[1].product
        previous(owner).name
        changed(score)
        lookups.tax.percent
        self.need_type = hardware
        [self.owner, user][1].name
        self.lines.total
        self.any.a.b
        count(self.lines)
        self.stage.title + self.budget.currency.name
        {a: self.owner}.a.name"#;
    let lines: String = texts
        .trim()
        .lines()
        .map(str::trim)
        .map(|text| {
            let reads: Vec<String> = compile(text).reads().iter().map(path).collect();
            let reads = if reads.is_empty() { vec!["nothing".to_owned()] } else { reads };
            format!("{text}\n    {}\n", reads.join(", "))
        })
        .collect();
    expect![[r#"
        1 + 2
            nothing
        self.account.name = "x" and self.account.kind = b2b
            #0.account(lead).kind(account), #0.account(lead).name(account)
        self = record
            #0
        settings.bonus + limit
            #3, settings.bonus
        self.customer.email
            #0.customer(lead).email(contact)
        message.lines[total > 5].product
            #2.lines.product(line), #2.lines.total(line)
        for l in self.lines return l.lead.name
            #0.lines(lead).lead(line).name(lead)
        some l in self.lines, m in message.lines satisfies l.total > m.total
            #0.lines(lead).total(line), #2.lines.total(line)
        self.lines[1].lead.owner.manager
            #0.lines(lead).lead(line).owner(lead).manager(user)
        get or else(self.account.manager, self.owner).name
            #0.account(lead).manager(account).name(user), #0.owner(lead).name(user)
        (if self.active then self.owner else user).manager.name
            #0.active(lead), #0.owner(lead).manager(user).name(user), #1.manager(user).name(user)
        sort(self.lines, quantity)[1].product
            #0.lines(lead).product(line), #0.lines(lead).quantity(line)
        previous(owner).name
            #0.owner(lead), found.name(user)
        changed(score)
            #0.score(lead)
        lookups.tax.percent
            found.percent(tax)
        self.need_type = hardware
            #0.need_type(lead)
        [self.owner, user][1].name
            #0.owner(lead).name(user), #1.name(user)
        self.lines.total
            #0.lines(lead).total(line)
        self.any.a.b
            #0.any(lead).a.b
        count(self.lines)
            #0.lines(lead)
        self.stage.title + self.budget.currency.name
            #0.budget(lead), #0.stage(lead), found.name(currency)
        {a: self.owner}.a.name
            #0.owner(lead), found.name(user)
    "#]]
    .assert_eq(&lines);
}

#[test]
fn a_cell_reads_its_input() {
    let cell = Expr::compile_unary_test("> limit", Span::default(), &World, &process(), (&Type::Int, Slot(6))).unwrap();
    assert_eq!(cell.reads().iter().map(path).collect::<Vec<_>>(), ["#3", "#6"]);
}

#[test]
fn conjuncts_and_equalities() {
    let mut names = process();
    names.searched("lead", ROW);
    let texts = r#"
        account = self.account and (score > 5 and params.note = name) and stage = satisfied
        self.account.name = account.name or account = null
        owner = user and owner = item.owner
        need_type in (hardware)
        need_type in (hardware, software)
        budget = 900
        account = null
        active"#;
    let lines: String = texts
        .trim()
        .lines()
        .map(str::trim)
        .map(|text| {
            let expr = compile_in(&names, text);
            let parts: Vec<String> = expr.conjuncts().iter().map(|part| format!("`{}`", part.text())).collect();
            let fixed: Vec<String> =
                expr.equalities(ROW).iter().map(|(name, value)| format!("{name} <- `{}`", value.text())).collect();
            format!("{text}\n    parts: {}\n    fixed: {}\n", parts.join(", "), fixed.join(", "))
        })
        .collect();
    expect![[r#"
        account = self.account and (score > 5 and params.note = name) and stage = satisfied
            parts: `account = self.account`, `score > 5`, `params.note = name`, `stage = satisfied`
            fixed: account <- `self.account`, name <- `params.note`, stage <- `satisfied`
        self.account.name = account.name or account = null
            parts: `self.account.name = account.name or account = null`
            fixed: 
        owner = user and owner = item.owner
            parts: `owner = user`, `owner = item.owner`
            fixed: owner <- `user`
        need_type in (hardware)
            parts: `need_type in (hardware)`
            fixed: 
        need_type in (hardware, software)
            parts: `need_type in (hardware, software)`
            fixed: 
        budget = 900
            parts: `budget = 900`
            fixed: 
        account = null
            parts: `account = null`
            fixed: 
        active
            parts: `active`
            fixed: 
    "#]]
    .assert_eq(&lines);
}

#[test]
fn three_valued_truth() {
    let cases = [
        ("self.account.vip", None),
        ("not(self.account.vip)", None),
        ("self.account.vip and self.score > 5", None),
        ("self.account.vip and self.score < 5", Some(false)),
        ("self.score > 5 or vars.debt > 5", Some(true)),
        ("vars.debt > 5 and self.score < 5", Some(false)),
        ("vars.debt > 5", None),
        ("some x in [1, null, 3] satisfies x > 2", Some(true)),
        ("every x in [1, null, 3] satisfies x > 2", Some(false)),
        ("every x in [3, null] satisfies x > 2", None),
        ("self.contact.name in (\"a\", null)", Some(true)),
        ("self.account.vip in (true)", Some(false)),
        ("any(for l in self.lines return l.status = open)", Some(true)),
        ("all(self.account.vip, true)", None),
    ];
    for (text, truth) in cases {
        assert_eq!(compile(text).eval3(&Values), Ok(truth), "{text}");
    }
    assert!(compile("self.secret = \"x\"").eval3(&Values).unwrap_err().is_denied());
    assert!(matches!(compile("self.secret").eval_visible(&Values), Ok(Value::Denied(_))));
}

#[test]
fn parts_evaluate_alone() {
    let expr = compile("self.score > 5 and self.account.vip and self.budget < 5");
    let truths: Vec<_> = expr.conjuncts().iter().map(|part| part.eval3(&Values).unwrap()).collect();
    assert_eq!(truths, [Some(true), None, Some(false)]);
}

#[test]
fn inputs_are_shown_with_their_values() {
    let expr = compile(
        "self.score > limit or self.contact.name = \"x\" or self.secret = \"y\" or count(self.lines[total > 5]) = 1",
    );
    let shown: Vec<String> = expr
        .inputs(&Values)
        .iter()
        .map(|(text, value)| match value {
            Ok(value) => format!("{text} = {value}"),
            Err(error) => format!("{text}: {error}"),
        })
        .collect();
    expect![[r#"
        self.score = 7
        limit = 100
        self.contact.name = null
        self.secret = access denied: may not read lead.secret (rule: deny read)
        self.lines = line 1, line 2"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn templates_are_filled() {
    let texts = r#"
        Call {self.account.name} about "{self.name}"
        {{literal}} and {self.score + 1}}
        {self.stage.title}: {string join(self.tags, "}{")}
        {self.contact.name}
        {self.account}
        {self.nam} and {foo}
        {self.secret}
        open {self.name
        {}
        {self.meeting_at} {self.budget} {self.length} {self.tags}"#;
    let lines: String = texts
        .trim()
        .lines()
        .map(str::trim)
        .map(|text| {
            let outcome = match Template::compile(text, Span::new(0, 0, text.len()), &World, &process()) {
                Err(problems) => super::shown(text, &problems),
                Ok(template) => template.eval(&Values).unwrap_or_else(|error| format!("fails: {error}")),
            };
            format!("{text}\n    {outcome}\n")
        })
        .collect();
    expect![[r#"
        Call {self.account.name} about "{self.name}"
            Call Acme about "Big deal"
        {{literal}} and {self.score + 1}}
            {literal} and 8}
        {self.stage.title}: {string join(self.tags, "}{")}
            Need satisfied: a}{b
        {self.contact.name}
            fails: `self.contact.name` has no value: `self.contact` is empty; try get or else(self.contact.name, …)
        {self.account}
            type_mismatch at `self.account`: expected a value that can be shown in a text, found ref(account); name a column of the record, such as `self.account.name`
        {self.nam} and {foo}
            unknown_column at `nam`: expected a column of lead, found `nam`; did you mean `name`?
            unknown_name at `foo`: expected a name in scope, found `foo`; quote a text: "foo"
        {self.secret}
            fails: access denied: may not read lead.secret (rule: deny read)
        open {self.name
            syntax at `{self.name`: expected a closing `}`, found the end of the text; write `{{` for a brace
        {}
            syntax at ``: expected an expression, found its end
        {self.meeting_at} {self.budget} {self.length} {self.tags}
            2026-03-02T12:00:00+03:00 900.00 RUB 2 days a, b
    "#]].assert_eq(&lines);
}

#[test]
fn hostile_texts_are_refused_quickly() {
    let deep = |open: &str, inside: &str, close: &str, times: usize| open.repeat(times) + inside + &close.repeat(times);
    let cases = [
        deep("(", "1", ")", 10_000),
        deep("(", "1", ")", 1_000),
        deep("[", "1", "]", 1_000),
        deep("{a: ", "1", "}", 1_000),
        deep("not(", "true", ")", 1_000),
        deep("-", "1", "", 1_000),
        deep("if true then ", "1", " else 2", 300),
        deep("for x in ", "[1]", " return 1", 300),
        deep("self.lines[", "1", "]", 1_000),
        deep("1 + ", "1", "", 3_000),
        deep("2 ** ", "2", "", 1_000),
        "[".to_owned() + &"1,".repeat(3_000) + "1]",
        "\"".to_owned() + &"x".repeat(20_000),
        deep("1 in [", "1", "]", 60),
        deep("\"a\" in [", "\"a\"", "]", 60),
        deep("[", "hardware", "]", 60),
    ];
    let started = std::time::Instant::now();
    for text in &cases {
        let problems = Expr::compile(text, Span::default(), &World, &process(), None);
        assert!(problems.is_err() || text.len() < 700, "{}", &text[..40]);
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn evaluation_stops_when_the_fuel_is_out() {
    let texts = [
        "count(for a in 1..1000, b in 1..1000, c in 1..1000 return a)",
        "count(1 in (for a in 1..100000000 return a))",
        "every a in 1..10000, b in 1..10000 satisfies a < 20000",
        "count(for a in 1..9223372036854775807 return a)",
        "count(distinct values(for a in 1..100000 return a))",
    ];
    let started = std::time::Instant::now();
    for text in texts {
        if let Ok(expr) = Expr::compile(text, Span::default(), &World, &process(), None) {
            assert!(matches!(expr.eval(&Values), Err(EvalError::Fuel(_))), "{text}");
        }
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn spans_are_absolute_and_stay_inside() {
    let at = |text: &str, span: Span| Expr::compile(text, span, &World, &process(), None).unwrap_err()[0].span;
    assert_eq!(at("1 + foo", Span::new(3, 100, 107)), Span::new(3, 104, 107));
    assert_eq!(at("1 + foo", Span::new(3, 100, 102)), Span::new(3, 102, 102));
    let text = "a {self.x} b";
    let problems = Template::compile(text, Span::new(0, 50, 62), &World, &process()).unwrap_err();
    assert_eq!(problems[0].span, Span::new(0, 58, 59));
}

#[test]
fn the_clock_is_known_to_be_read() {
    assert!(
        compile("self.start_date < today()").reads_clock()
            && !compile("self.start_date < date(2026, 1, 1)").reads_clock()
    );
}
