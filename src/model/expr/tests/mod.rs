use expect_test::{Expect, expect};

use super::*;
use world::{ROW, Values, World, process};

mod docs;
mod fuzz;
mod whole;
mod world;

/// Every expression of a table with the type and value it has, or what is wrong with it.
fn table(names: &Names, expected: Option<&Type>, expressions: &str) -> String {
    let lines = expressions.trim().lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|text| format!("{text}\n    {}\n", outcome(names, expected, text))).collect()
}

fn outcome(names: &Names, expected: Option<&Type>, text: &str) -> String {
    let span = Span::new(0, 0, text.len());
    let expr = match Expr::compile(text, span, &World, names, expected) {
        Ok(expr) => expr,
        Err(problems) => return shown(text, &problems),
    };
    match expr.eval(&Values) {
        Ok(Value::Null(reason)) => format!("{}: null, {reason}", expr.ty()),
        Ok(value) => format!("{}: {value}", expr.ty()),
        Err(error) => format!("fails: {error}"),
    }
}

fn shown(text: &str, problems: &[ExprProblem]) -> String {
    let one = |problem: &ExprProblem| {
        let at = &text[problem.span.start as usize..problem.span.end as usize];
        format!("{} at `{at}`: {problem}", problem.code)
    };
    problems.iter().map(one).collect::<Vec<_>>().join("\n    ")
}

fn check(expressions: &str, expect: Expect) {
    expect.assert_eq(&table(&process(), None, expressions));
}

#[test]
fn literals() {
    check(
        r#"
        12.50
        -3
        "a \"quoted\" text\n"
        true
        null
        @"2026-03-02"
        @"2026-03-02T09:00:00+03:00"
        @"P3D"
        @"09:30:00"
        @"soon"
        date("2026-02-30")
        [1, 2.5]
        []
        {a: 1, "b c": "x"}
        [1, "a"]
        money(900, "RUB")
        1..2
        "#,
        expect![[r#"
            12.50
                number: 12.50
            -3
                int: -3
            "a \"quoted\" text\n"
                text: a "quoted" text

            true
                bool: true
            null
                any: null, it is empty
            @"2026-03-02"
                date: 2026-03-02
            @"2026-03-02T09:00:00+03:00"
                datetime: 2026-03-02T06:00:00Z
            @"P3D"
                duration: 3 days
            @"09:30:00"
                duration: 9 h 30 min
            @"soon"
                bad_literal at `@"soon"`: expected a date, an instant or a duration, found `soon`; write `@"2026-03-02"`, `@"2026-03-02T09:00:00Z"`, `@"P3D"` or `@"09:30:00"`
            date("2026-02-30")
                bad_value at `date("2026-02-30")`: expected a date such as 2026-03-02, found `2026-02-30`
            [1, 2.5]
                list(number): 1, 2.5
            []
                list(any): 
            {a: 1, "b c": "x"}
                {a: int, b c: text}: {a: 1, b c: x}
            [1, "a"]
                type_mismatch at `[1, "a"]`: expected items of one type, found int and text
            money(900, "RUB")
                money: 900 RUB
            1..2
                syntax at `..`: expected the end of the expression, found `..`
        "#]],
    );
}

#[test]
fn arithmetic() {
    check(
        r#"
        1 + 2 * 3
        (1 + 2) * 3
        2 ** 3 ** 2
        -2 ** 2
        10 / 4
        10 / 0
        7 - 2 - 1
        0.1 + 0.2
        "a" + "b"
        "Order " + 5
        1 + true
        79228162514264337593543950335 + 1
        self.budget + self.budget
        self.budget + 100
        self.budget * 2
        self.budget / self.budget
        self.budget - self.price
        self.budget / self.price
        -self.budget
        -self.name
        date("2026-01-31") + months(1)
        date("2026-03-02") + hours(5)
        date("2026-03-02") - date("2026-02-28")
        self.meeting_at + @"PT90M"
        self.meeting_at - self.start_date
        self.start_date + 2
        self.length * 1.5
        self.length / 2
        days(3) / hours(12)
        self.start_date + working days(5)
        "#,
        expect![[r#"
            1 + 2 * 3
                int: 7
            (1 + 2) * 3
                int: 9
            2 ** 3 ** 2
                number: 64
            -2 ** 2
                number: 4
            10 / 4
                number: 2.5
            10 / 0
                bad_value at `10 / 0`: expected a divisor other than zero, found zero
            7 - 2 - 1
                int: 4
            0.1 + 0.2
                number: 0.3
            "a" + "b"
                text: ab
            "Order " + 5
                type_mismatch at `"Order " + 5`: expected values that `+` is defined for, found text and int; `string(x)` makes a text of a number, `number(x)` a number of a text
            1 + true
                type_mismatch at `1 + true`: expected values that `+` is defined for, found int and bool
            79228162514264337593543950335 + 1
                bad_value at `79228162514264337593543950335 + 1`: expected a number of at most 28 digits, found a larger one
            self.budget + self.budget
                money: 1800.00 RUB
            self.budget + 100
                type_mismatch at `self.budget + 100`: expected values that `+` is defined for, found money and int; write `money(5, "RUB")` for an amount
            self.budget * 2
                money: 1800.00 RUB
            self.budget / self.budget
                number: 1
            self.budget - self.price
                fails: expected amounts of one currency, found RUB and EUR; try convert(amount, currency, date)
            self.budget / self.price
                fails: expected amounts of one currency, found RUB and EUR; try convert(amount, currency, date)
            -self.budget
                money: -900.00 RUB
            -self.name
                type_mismatch at `-self.name`: expected a number, money or a duration behind `-`, found text
            date("2026-01-31") + months(1)
                date: 2026-02-28
            date("2026-03-02") + hours(5)
                bad_value at `date("2026-03-02") + hours(5)`: expected whole days to add to a date, found 5 h; use `date and time(…)` for hours
            date("2026-03-02") - date("2026-02-28")
                duration: 2 days
            self.meeting_at + @"PT90M"
                datetime: 2026-03-02T10:30:00Z
            self.meeting_at - self.start_date
                type_mismatch at `self.meeting_at - self.start_date`: expected values that `-` is defined for, found datetime and date; `date(x)` gives the day of an instant
            self.start_date + 2
                type_mismatch at `self.start_date + 2`: expected values that `+` is defined for, found date and int; write `days(n)` for a number of days
            self.length * 1.5
                duration: 3 days
            self.length / 2
                duration: 1 day
            days(3) / hours(12)
                number: 6
            self.start_date + working days(5)
                date: 2026-03-09
        "#]],
    );
}

#[test]
fn comparisons() {
    check(
        r#"
        1 < 2 and 2.0 = 2
        1 == 1 && 1 != 2 || false
        "a" < "b"
        self.budget > 100 and self.customer.name = "Acme"
        self.budget = 900
        self.budget > self.price
        self.name = 5
        self.start_date < self.meeting_at
        self.start_date < null
        self.contact = null
        self.contact.name = "Olga"
        self.contact.name != null
        self.contact.name < "Olga"
        self.maturity < high
        self.stage < satisfied
        self.stage.position < 5
        1 < 2 < 3
        !true
        months(1) > days(28)
        self.account = self.contact
        self.customer = self.account
        "#,
        expect![[r#"
            1 < 2 and 2.0 = 2
                bool: true
            1 == 1 && 1 != 2 || false
                bool: true
            "a" < "b"
                bool: true
            self.budget > 100 and self.customer.name = "Acme"
                bool: true
            self.budget = 900
                bool: true
            self.budget > self.price
                fails: expected amounts of one currency, found RUB and EUR; try convert(amount, currency, date)
            self.name = 5
                type_mismatch at `self.name = 5`: expected two values that can be equal, found text and int; `string(x)` makes a text of a number, `number(x)` a number of a text
            self.start_date < self.meeting_at
                type_mismatch at `self.start_date < self.meeting_at`: expected two values that have an order, found date and datetime; `date(x)` gives the day of an instant
            self.start_date < null
                type_mismatch at `self.start_date < null`: expected a value for `<`, found null; write `= null`, `!= null` or `is defined(x)`
            self.contact = null
                bool: true
            self.contact.name = "Olga"
                bool: false
            self.contact.name != null
                bool: false
            self.contact.name < "Olga"
                fails: `self.contact.name` has no value: `self.contact` is empty; try get or else(self.contact.name, …)
            self.maturity < high
                type_mismatch at `self.maturity < high`: expected two values that have an order, found enum [low, high] and enum [low, high]
            self.stage < satisfied
                type_mismatch at `self.stage < satisfied`: expected two values that have an order, found stage of lead and stage of lead; compare `stage.position`
            self.stage.position < 5
                bool: true
            1 < 2 < 3
                syntax at `<`: expected one comparison, found two in a row; write `a < b and b < c`, or `b in (a..c)`
            !true
                syntax at `!`: expected an expression, found `!`; write `not(x)`
            months(1) > days(28)
                bad_value at `months(1) > days(28)`: expected two lengths of time that can be compared, found 1 month and 28 days; add them to a date first
            self.account = self.contact
                type_mismatch at `self.account = self.contact`: expected two values that can be equal, found ref(account) and ref(contact); name a column of the record
            self.customer = self.account
                bool: true
        "#]],
    );
}

#[test]
fn logic_and_null() {
    check(
        r#"
        true and null
        self.account.vip and false
        false and self.account.vip
        self.account.vip and true
        self.account.vip or true
        not(self.account.vip)
        not(true)
        if self.account.vip then 1 else 2
        if self.active then "yes" else null
        if self.active then 1 else "a"
        get or else(self.contact.name, self.name)
        get or else(self.contact.name + "!", "nobody")
        get or else(self.secret, "x")
        is defined(self.contact.name)
        is defined(self.name)
        is defined(self.secret)
        is denied(self.secret)
        self.secret
        self.contact.name + "x"
        self.contact.name
        self.account.vip
        vars.debt + self.budget
        "#,
        expect![[r#"
            true and null
                fails: `null` has no value: it is empty; try get or else(null, …)
            self.account.vip and false
                bool: false
            false and self.account.vip
                bool: false
            self.account.vip and true
                fails: `self.account.vip` has no value: it is empty; try get or else(self.account.vip, …)
            self.account.vip or true
                bool: true
            not(self.account.vip)
                fails: `self.account.vip` has no value: it is empty; try get or else(self.account.vip, …)
            not(true)
                bool: false
            if self.account.vip then 1 else 2
                fails: `self.account.vip` has no value: it is empty; try get or else(self.account.vip, …)
            if self.active then "yes" else null
                text: yes
            if self.active then 1 else "a"
                type_mismatch at `if self.active then 1 else "a"`: expected two branches of one type, found int and text
            get or else(self.contact.name, self.name)
                text: Big deal
            get or else(self.contact.name + "!", "nobody")
                text: nobody
            get or else(self.secret, "x")
                fails: access denied: may not read lead.secret (rule: deny read)
            is defined(self.contact.name)
                bool: false
            is defined(self.name)
                bool: true
            is defined(self.secret)
                fails: access denied: may not read lead.secret (rule: deny read)
            is denied(self.secret)
                bool: true
            self.secret
                fails: access denied: may not read lead.secret (rule: deny read)
            self.contact.name + "x"
                fails: `self.contact.name` has no value: `self.contact` is empty; try get or else(self.contact.name, …)
            self.contact.name
                text: null, `self.contact` is empty
            self.account.vip
                bool: null, it is empty
            vars.debt + self.budget
                fails: `debt` is not known
        "#]],
    );
}

#[test]
fn names_and_paths() {
    check(
        r#"
        limit
        params.limit
        note
        params.note
        tries + 1
        budget
        settings.bonus
        settings.bonsu
        bonus
        params.limt
        self.acount.name
        self.account.nam
        self.name.first
        self.need_type.title + "/" + self.stage.title
        self.maturity.title
        self.customer.kind
        self.customer.email
        self.customer.phone
        user.manager.name
        user.roles
        message.amount
        message.amuont
        thing
        thing.a
        self.any.b
        self.start_date.month
        self.meeting_at.hour
        self.meeting_at.date
        self.length.days
        self.budget.amount
        self.budget.currency
        self.budget.cents
        self.customer instance of account
        self.customer instance of contact
        self instance of led
        foo
        item
        "#,
        expect![[r#"
            limit
                number: 100
            params.limit
                number: 100
            note
                ambiguous_name at `note`: expected one meaning of `note`, found `params.note` and `vars.note`; write `params.note` or `vars.note`
            params.note
                text: params
            tries + 1
                int: 4
            budget
                unknown_name at `budget`: expected a name in scope, found `budget`; a column is written `self.budget`
            settings.bonus
                number: 5
            settings.bonsu
                unknown_name at `bonsu`: expected one of `settings`, found `bonsu`; did you mean `bonus`?
            bonus
                unknown_name at `bonus`: expected a name in scope, found `bonus`; a setting is written `settings.bonus`
            params.limt
                unknown_name at `limt`: expected one of `params`, found `limt`; did you mean `limit`?
            self.acount.name
                unknown_column at `acount`: expected a column of lead, found `acount`; did you mean `account`?
            self.account.nam
                unknown_column at `nam`: expected a column of account, found `nam`; did you mean `name`?
            self.name.first
                unknown_column at `first`: expected a column of text, found `first`
            self.need_type.title + "/" + self.stage.title
                text: Hardware/Need satisfied
            self.maturity.title
                text: HIGH
            self.customer.kind
                enum [b2b, b2c]: b2b
            self.customer.email
                text: null, there is nothing
            self.customer.phone
                unknown_column at `phone`: expected a column of account or contact, found `phone`; it has name, kind, manager, vip, email
            user.manager.name
                text: Ivan
            user.roles
                list(text): employee, seller
            message.amount
                money: 100 RUB
            message.amuont
                unknown_column at `amuont`: expected a column of {amount: money, lines: list(ref(line))}, found `amuont`; did you mean `amount`?
            thing
                any: anything
            thing.a
                fails: expected something with `a`, found text
            self.any.b
                any: null, `self.any` is empty
            self.start_date.month
                int: 3
            self.meeting_at.hour
                int: 12
            self.meeting_at.date
                date: 2026-03-02
            self.length.days
                int: 2
            self.budget.amount
                number: 900.00
            self.budget.currency
                ref(currency): currency RUB
            self.budget.cents
                unknown_column at `cents`: expected a column of money, found `cents`; it has amount, currency
            self.customer instance of account
                bool: true
            self.customer instance of contact
                bool: false
            self instance of led
                unknown_entity at `led`: expected an entity or a type, found `led`; did you mean `lead`?
            foo
                unknown_name at `foo`: expected a name in scope, found `foo`; quote a text: "foo"
            item
                unknown_name at `item`: expected a name in scope, found `item`; quote a text: "item"
        "#]],
    );
}

#[test]
fn codes_rows_and_stages() {
    check(
        r#"
        self.maturity = high
        high = self.maturity
        self.maturity = hihg
        self.maturity = "hihg"
        self.maturity in (low, high)
        self.maturity in [low]
        self.need_type = hardware
        self.need_type = "hardware"
        self.need_type in (software, hardware)
        hardware in self.wishes
        self.need_type.title
        self.stage = satisfied
        self.stage = closed
        list contains(self.wishes, software)
        index of(lookups.need_type, software)
        lookups.tax.percent
        stages of lead
        stages of need_type
        count((stages of lead)[item.position > 1])
        if self.active then satisfied else qualification
        self.stage = (if self.active then satisfied else qualification)
        result = won
        result = self.maturity
        get or else(self.maturity, low)
        self.status in (open, paid)
        "#,
        expect![[r#"
            self.maturity = high
                bool: true
            high = self.maturity
                bool: true
            self.maturity = hihg
                unknown_name at `hihg`: expected a name or enum [low, high], found `hihg`; did you mean `high`?
            self.maturity = "hihg"
                unknown_code at `"hihg"`: expected enum [low, high], found "hihg"; did you mean `high`?
            self.maturity in (low, high)
                bool: true
            self.maturity in [low]
                bool: false
            self.need_type = hardware
                bool: true
            self.need_type = "hardware"
                bool: true
            self.need_type in (software, hardware)
                bool: true
            hardware in self.wishes
                bool: true
            self.need_type.title
                text: Hardware
            self.stage = satisfied
                bool: true
            self.stage = closed
                unknown_name at `closed`: expected a name or stage of lead, found `closed`; write one of qualification, satisfied
            list contains(self.wishes, software)
                bool: false
            index of(lookups.need_type, software)
                list(int): 2
            lookups.tax.percent
                list(number): 20
            stages of lead
                list(stage of lead): qualification, satisfied
            stages of need_type
                unknown_entity at `need_type`: expected an entity with stages, found `need_type`
            count((stages of lead)[item.position > 1])
                int: 1
            if self.active then satisfied else qualification
                unknown_name at `satisfied`: expected a name in scope, found `satisfied`; quote a text: "satisfied"
            self.stage = (if self.active then satisfied else qualification)
                bool: true
            result = won
                bool: true
            result = self.maturity
                type_mismatch at `result = self.maturity`: expected two values that can be equal, found enum [won, lost] and enum [low, high]
            get or else(self.maturity, low)
                enum [low, high]: high
            self.status in (open, paid)
                bool: true
        "#]],
    );
}

#[test]
fn lists() {
    check(
        r#"
        self.lines.product
        self.lines[total > 100].product
        self.lines[status = open][1].product
        self.lines[item.quantity > limit]
        self.lines[quantity > self.score]
        self.lines[1].product
        self.lines[-1].product
        self.lines[3].product
        self.lines[tries].product
        self.lines[quantity]
        sum(self.lines.total)
        sum(self.lines[quantity > 100].total)
        sum(self.lines[quantity > 100].total) + self.budget
        sum(1, 2, 3)
        count(self.lines)
        min(self.lines.quantity)
        max([3, 1, 2])
        max([])
        mean([1, 2, 4])
        median(5, 1, 3)
        all([true, false])
        any([])
        for l in self.lines return l.quantity * 2
        for i in 1..3, j in [10, 20] return i * j
        for self in [1] return 1
        some l in self.lines satisfies l.quantity > 5
        every l in self.lines satisfies l.quantity > 5
        some x in 5 satisfies true
        list contains(self.tags, "a")
        append(self.tags, "c")
        append([1], "c")
        concatenate([1], [2, 3])
        union([1, 2], [2, 3])
        distinct values([1, 1.0, 2])
        reverse([1, 2])
        sort([3, 1, 2])
        sort(self.lines, total)[1].product
        sort([true])
        sublist([1, 2, 3], 2)
        sublist([1, 2, 3], 1, 2)
        insert before([1, 2], 1, 0)
        remove([1, 2], 2)
        flatten([[1], [2, [3]]])
        index of([1, 2, 1], 1)
        [1, 2, 3][item > 1]
        [1, 2, 3] = [1.0, 2, 3]
        1 in [1, 2]
        5 in [1..10]
        5 in (5..10]
        5 in (> 3, 1)
        5 between 1 and 10
        self.lines.price
        "#,
        expect![[r#"
            self.lines.product
                list(text): disk, cable
            self.lines[total > 100].product
                list(text): disk
            self.lines[status = open][1].product
                text: cable
            self.lines[item.quantity > limit]
                list(ref(line)): 
            self.lines[quantity > self.score]
                list(ref(line)): line 2
            self.lines[1].product
                text: disk
            self.lines[-1].product
                text: cable
            self.lines[3].product
                text: null, there is nothing
            self.lines[tries].product
                text: null, there is nothing
            self.lines[quantity]
                type_mismatch at `quantity`: expected a condition, or a place that is the same for every item, found number
            sum(self.lines.total)
                money: 250 RUB
            sum(self.lines[quantity > 100].total)
                money: 0
            sum(self.lines[quantity > 100].total) + self.budget
                money: 900.00 RUB
            sum(1, 2, 3)
                int: 6
            count(self.lines)
                int: 2
            min(self.lines.quantity)
                number: 2
            max([3, 1, 2])
                int: 3
            max([])
                any: null, there is nothing
            mean([1, 2, 4])
                number: 2.3333333333333333333333333333
            median(5, 1, 3)
                number: 3
            all([true, false])
                bool: false
            any([])
                bool: false
            for l in self.lines return l.quantity * 2
                list(number): 4, 20
            for i in 1..3, j in [10, 20] return i * j
                list(int): 10, 20, 20, 40, 30, 60
            for self in [1] return 1
                ambiguous_name at `self`: expected a new name, found `self`, which is in scope already; choose another name
            some l in self.lines satisfies l.quantity > 5
                bool: true
            every l in self.lines satisfies l.quantity > 5
                bool: false
            some x in 5 satisfies true
                type_mismatch at `5`: expected a list, found int
            list contains(self.tags, "a")
                bool: true
            append(self.tags, "c")
                list(text): a, b, c
            append([1], "c")
                type_mismatch at `append([1], "c")`: expected an element of the list's type, found int and text
            concatenate([1], [2, 3])
                list(int): 1, 2, 3
            union([1, 2], [2, 3])
                list(int): 1, 2, 3
            distinct values([1, 1.0, 2])
                list(int): 1, 2
            reverse([1, 2])
                list(int): 2, 1
            sort([3, 1, 2])
                list(int): 1, 2, 3
            sort(self.lines, total)[1].product
                text: cable
            sort([true])
                type_mismatch at `sort([true])`: expected a list whose elements have an order, found list(bool)
            sublist([1, 2, 3], 2)
                list(int): 2, 3
            sublist([1, 2, 3], 1, 2)
                list(int): 1, 2
            insert before([1, 2], 1, 0)
                list(int): 0, 1, 2
            remove([1, 2], 2)
                list(int): 1
            flatten([[1], [2, [3]]])
                type_mismatch at `[2, [3]]`: expected items of one type, found int and list(int)
            index of([1, 2, 1], 1)
                list(int): 1, 3
            [1, 2, 3][item > 1]
                list(int): 2, 3
            [1, 2, 3] = [1.0, 2, 3]
                bool: true
            1 in [1, 2]
                bool: true
            5 in [1..10]
                bool: true
            5 in (5..10]
                bool: false
            5 in (> 3, 1)
                bool: true
            5 between 1 and 10
                bool: true
            self.lines.price
                unknown_column at `price`: expected a column of list(ref(line)), found `price`; it has product, quantity, total, status, lead
        "#]],
    );
}

#[test]
fn texts_and_numbers() {
    check(
        r#"
        contains("foobar", "oba")
        starts with("foobar", "foo")
        ends with("foobar", "foo")
        upper case("абв")
        lower case("ABC")
        string length("тест")
        substring("foobar", 3)
        substring("foobar", 3, 2)
        substring("foobar", -2)
        substring before("a:b", ":")
        substring after("a:b", ":")
        replace("aXbX", "X", "-")
        split("a;b", ";")
        string join(["a", "b"], "/")
        trim("  a ")
        string(12.50)
        string(self.meeting_at)
        string(self.account)
        number("12.50")
        number("twelve")
        number(self.budget)
        floor(-1.5)
        ceiling(1.2)
        round half up(2.345, 2)
        round half up(self.budget / 7, 2)
        round half down(2.5)
        round half even(2.5)
        round up(1.1)
        round down(-1.9)
        decimal(2.345, 2)
        decimal(1234, -2)
        decimal(1, 99)
        abs(-5)
        modulo(-7, 3)
        even(4)
        count("x")
        upper case(5)
        upper case()
        upercase("a")
        list contain([1], 1)
        get value({a: 1}, "a")
        "#,
        expect![[r#"
            contains("foobar", "oba")
                bool: true
            starts with("foobar", "foo")
                bool: true
            ends with("foobar", "foo")
                bool: false
            upper case("абв")
                text: АБВ
            lower case("ABC")
                text: abc
            string length("тест")
                int: 4
            substring("foobar", 3)
                text: obar
            substring("foobar", 3, 2)
                text: ob
            substring("foobar", -2)
                text: ar
            substring before("a:b", ":")
                text: a
            substring after("a:b", ":")
                text: b
            replace("aXbX", "X", "-")
                text: a-b-
            split("a;b", ";")
                list(text): a, b
            string join(["a", "b"], "/")
                text: a/b
            trim("  a ")
                text: a
            string(12.50)
                text: 12.50
            string(self.meeting_at)
                text: 2026-03-02T12:00:00+03:00
            string(self.account)
                text: a
            number("12.50")
                number: 12.50
            number("twelve")
                bad_value at `number("twelve")`: expected a number, found `twelve`
            number(self.budget)
                number: 900.00
            floor(-1.5)
                int: -2
            ceiling(1.2)
                int: 2
            round half up(2.345, 2)
                number: 2.35
            round half up(self.budget / 7, 2)
                money: 128.57 RUB
            round half down(2.5)
                int: 2
            round half even(2.5)
                int: 2
            round up(1.1)
                int: 2
            round down(-1.9)
                int: -1
            decimal(2.345, 2)
                number: 2.34
            decimal(1234, -2)
                int: 1200
            decimal(1, 99)
                bad_value at `decimal(1, 99)`: expected a scale from -27 to 28, found 99
            abs(-5)
                int: 5
            modulo(-7, 3)
                int: 2
            even(4)
                bool: true
            count("x")
                type_mismatch at `"x"`: expected a list in count(list), found text
            upper case(5)
                type_mismatch at `5`: expected text in upper case(text), found int
            upper case()
                wrong_arguments at `upper case()`: expected upper case(text), found 0 arguments
            upercase("a")
                syntax at `(`: expected the end of the expression, found `(`; did you mean `upper case(…)`?
            list contain([1], 1)
                syntax at `contain`: expected the end of the expression, found `contain`; did you mean `list contains(…)`?
            get value({a: 1}, "a")
                any: 1
        "#]],
    );
}

#[test]
fn dates_and_money() {
    check(
        r#"
        now()
        today()
        date("2026-03-02")
        date(2026, 3, 2)
        date(self.meeting_at)
        date and time("2026-03-02T09:00:00")
        date and time("2026-03-02T09:00:00Z")
        date and time(self.start_date, time("09:30:00"))
        date and time(self.start_date, hours(30))
        time(self.meeting_at)
        time(9, 30)
        duration("PT5M")
        duration("5 min") + days(2)
        weeks(2)
        minutes(90)
        years(1) + months(2)
        months(1.5)
        years and months duration(date("2024-05-10"), date("2026-03-02"))
        day of week(self.start_date)
        month of year(self.start_date)
        day of year(self.start_date)
        week of year(self.start_date)
        working days(self.start_date, self.start_date + days(7))
        working hours(self.meeting_at, self.meeting_at + days(1))
        working hours(4)
        working days("x")
        convert(self.price, "RUB", today())
        convert(self.budget, "EUR")
        convert(self.budget, "USD")
        money(5, "EUR") + self.price
        changed(score)
        changed(record.score)
        changed(scor)
        previous(score) < self.score
        previous(owner).name
        previous(1 + 1)
        date(1)
        "#,
        expect![[r#"
            now()
                datetime: 2026-03-02T22:30:00Z
            today()
                date: 2026-03-03
            date("2026-03-02")
                date: 2026-03-02
            date(2026, 3, 2)
                date: 2026-03-02
            date(self.meeting_at)
                date: 2026-03-02
            date and time("2026-03-02T09:00:00")
                datetime: 2026-03-02T06:00:00Z
            date and time("2026-03-02T09:00:00Z")
                datetime: 2026-03-02T09:00:00Z
            date and time(self.start_date, time("09:30:00"))
                datetime: 2026-03-02T06:30:00Z
            date and time(self.start_date, hours(30))
                fails: expected a time of day such as time("09:30:00"), found 1 day 6 h
            time(self.meeting_at)
                duration: 12 h
            time(9, 30)
                duration: 9 h 30 min
            duration("PT5M")
                duration: 5 min
            duration("5 min") + days(2)
                duration: 2 days 5 min
            weeks(2)
                duration: 14 days
            minutes(90)
                duration: 1 h 30 min
            years(1) + months(2)
                duration: 1 year 2 months
            months(1.5)
                type_mismatch at `1.5`: expected a whole number in months(n), found number
            years and months duration(date("2024-05-10"), date("2026-03-02"))
                duration: 1 year 9 months
            day of week(self.start_date)
                text: Monday
            month of year(self.start_date)
                text: March
            day of year(self.start_date)
                int: 61
            week of year(self.start_date)
                int: 10
            working days(self.start_date, self.start_date + days(7))
                int: 5
            working hours(self.meeting_at, self.meeting_at + days(1))
                number: 9
            working hours(4)
                duration: 4 working hours
            working days("x")
                type_mismatch at `working days("x")`: expected working days(from, to?), found (text)
            convert(self.price, "RUB", today())
                money: 900 RUB
            convert(self.budget, "EUR")
                money: 10 EUR
            convert(self.budget, "USD")
                fails: expected a rate of USD on 2026-03-03, found none
            money(5, "EUR") + self.price
                money: 15 EUR
            changed(score)
                bool: true
            changed(record.score)
                bool: true
            changed(scor)
                unknown_column at `scor`: expected a column of lead, found `scor`; did you mean `score`?
            previous(score) < self.score
                bool: true
            previous(owner).name
                text: Ivan
            previous(1 + 1)
                wrong_arguments at `previous(1 + 1)`: expected the name of a column of lead, found an expression
            date(1)
                type_mismatch at `date(1)`: expected date(from, month?, day?), found (int)
        "#]],
    );
}

#[test]
fn values_fit_their_place() {
    let cases = [
        ("money", Type::Money, "5\n self.price\n \"x\""),
        ("int", Type::Int, "5.0\n 5.5\n settings.bonus\n floor(settings.bonus)\n count(self.lines)\n null"),
        ("instant", Type::DateTime, "self.start_date\n now()\n today() + days(1)\n \"tomorrow\"\n thing"),
        ("bool", Type::Bool, "self.active\n thing\n 1"),
        ("text", Type::Text, "self.stage\n self.maturity\n self.budget\n self.account"),
        (
            "stage",
            Type::Stage("lead".into()),
            "satisfied\n \"satisfied\"\n closed\n self.name\n if self.active then satisfied else self.stage",
        ),
        ("lookup", Type::reference("need_type"), "hardware\n hardwear\n self.need_type\n self.account"),
        ("account", Type::reference("account"), "self.customer\n self.contact"),
        ("list", Type::list(Type::reference("need_type")), "[hardware]\n hardware\n self.need_type\n self.wishes"),
        ("map", message_type(), "{amount: 5}\n {amuont: 5}"),
    ];
    let all: String =
        cases.iter().map(|(name, ty, texts)| format!("{name}:\n{}", table(&process(), Some(ty), texts))).collect();
    expect![[r#"
        money:
        5
            int: 5
        self.price
            money: 10 EUR
        "x"
            type_mismatch at `"x"`: expected money, found text; `string(x)` makes a text of a number, `number(x)` a number of a text
        int:
        5.0
            int: 5.0
        5.5
            type_mismatch at `5.5`: expected int, found number; `floor(x)` or `round half up(x)` makes it whole
        settings.bonus
            type_mismatch at `settings.bonus`: expected int, found number; `floor(x)` or `round half up(x)` makes it whole
        floor(settings.bonus)
            int: 5
        count(self.lines)
            int: 2
        null
            int: null, it is empty
        instant:
        self.start_date
            datetime: 2026-03-02T15:00:00Z
        now()
            datetime: 2026-03-02T22:30:00Z
        today() + days(1)
            datetime: 2026-03-04T15:00:00Z
        "tomorrow"
            type_mismatch at `"tomorrow"`: expected datetime, found text; write `date("2026-03-02")`, `@"P3D"`, or `string(x)` for a text
        thing
            fails: expected datetime, found text
        bool:
        self.active
            bool: true
        thing
            fails: expected bool, found text
        1
            type_mismatch at `1`: expected bool, found int
        text:
        self.stage
            stage of lead: satisfied
        self.maturity
            enum [low, high]: high
        self.budget
            type_mismatch at `self.budget`: expected text, found money; `string(x)` makes a text of a number, `number(x)` a number of a text
        self.account
            type_mismatch at `self.account`: expected text, found ref(account); name a column of the record
        stage:
        satisfied
            stage of lead: satisfied
        "satisfied"
            stage of lead: satisfied
        closed
            unknown_name at `closed`: expected a name or stage of lead, found `closed`; write one of qualification, satisfied
        self.name
            type_mismatch at `self.name`: expected stage of lead, found text
        if self.active then satisfied else self.stage
            stage of lead: satisfied
        lookup:
        hardware
            ref(need_type): need_type hardware
        hardwear
            unknown_name at `hardwear`: expected a name or ref(need_type), found `hardwear`; did you mean `hardware`?
        self.need_type
            ref(need_type): need_type hardware
        self.account
            type_mismatch at `self.account`: expected ref(need_type), found ref(account); name a column of the record
        account:
        self.customer
            ref(account): account a
        self.contact
            type_mismatch at `self.contact`: expected ref(account), found ref(contact); name a column of the record
        list:
        [hardware]
            list(ref(need_type)): need_type hardware
        hardware
            unknown_name at `hardware`: expected a name in scope, found `hardware`; write `[hardware]` for a list of one
        self.need_type
            type_mismatch at `self.need_type`: expected list(ref(need_type)), found ref(need_type); write `[self.need_type]` for a list of one
        self.wishes
            list(ref(need_type)): need_type hardware
        map:
        {amount: 5}
            {amount: int}: {amount: 5}
        {amuont: 5}
            type_mismatch at `{amuont: 5}`: expected {amount: money}, found {amuont: int}
    "#]].assert_eq(&all);
}

fn message_type() -> Type {
    Type::Map([(Name::new("amount"), Type::Money)].into())
}

/// A `where`: bare names are columns of the searched lead.
#[test]
fn searched_records() {
    let mut names = process();
    names.searched("lead", ROW);
    let texts = "
        score > 5
        score > limit
        score > params.limit
        score > self.score
        owner = user
        item.owner = user and stage = satisfied
        account.name = params.note
        lines[total > 100][1].product
        lines[status = paid][1].product
        lines[item.status = paid][1].product
        note";
    expect![[r#"
        score > 5
            bool: true
        score > limit
            unknown_name at `limit`: expected a name in scope, found `limit`; write `params.limit`; a bare name is a column of the searched record here
        score > params.limit
            bool: false
        score > self.score
            bool: false
        owner = user
            bool: true
        item.owner = user and stage = satisfied
            bool: true
        account.name = params.note
            bool: false
        lines[total > 100][1].product
            type_mismatch at `lines[total > 100][1].product`: expected bool, found text
        lines[status = paid][1].product
            ambiguous_name at `status`: expected one meaning of `status`, found the column `status` of the item and the column `status` of lead; write `item.status` or `self.status`
            type_mismatch at `lines[status = paid][1].product`: expected bool, found text
        lines[item.status = paid][1].product
            type_mismatch at `lines[item.status = paid][1].product`: expected bool, found text
        note
            unknown_name at `note`: expected a name in scope, found `note`; write `params.note`; a bare name is a column of the searched record here
    "#]].assert_eq(&table(&names, Some(&Type::Bool), texts));
}

/// A column's own expression: bare names are columns of the same record.
#[test]
fn columns_of_the_own_record() {
    let mut names = Names::new();
    names.row("lead", ROW);
    let texts = "
        need_type.title + \" / \" + get or else(contact.name, name)
        sum(lines.total)
        sum(lines[quantity > score].total)
        budget >= 0
        nam";
    expect![[r#"
        need_type.title + " / " + get or else(contact.name, name)
            text: Hardware / Big deal
        sum(lines.total)
            money: 250 RUB
        sum(lines[quantity > score].total)
            money: 50 RUB
        budget >= 0
            bool: true
        nam
            unknown_name at `nam`: expected a name in scope, found `nam`; did you mean `name`?
    "#]]
    .assert_eq(&table(&names, None, texts));
}

#[test]
fn decision_cells() {
    let cases = [
        (
            Type::Number,
            "<= 100\n > 100\n (2..3]\n [3..5)\n 1, 3\n not(1, 3)\n not(> 5)\n -\n ? > 2 and ? < 4\n \"x\"\n null\n limit\n 1..5",
        ),
        (world_codes(), "won, lost\n \"won\"\n wom\n not(won)"),
        (Type::Date, "< date(\"2026-03-02\")\n [date(\"2026-01-01\")..date(\"2026-12-31\")]"),
    ];
    let mut shown = String::new();
    for (ty, texts) in cases {
        for text in texts.lines().map(str::trim) {
            let span = Span::new(0, 0, text.len());
            // Slot 6 is 3, slot 7 `won`; no slot holds a date.
            let slot = if ty == Type::Number { Slot(6) } else { Slot(7) };
            let line = match Expr::compile_unary_test(text, span, &World, &process(), (&ty, slot)) {
                Err(problems) => super::tests::shown(text, &problems),
                Ok(_) if ty == Type::Date => "compiles".to_owned(),
                Ok(cell) => format!("{:?}", cell.eval3(&Values).map_err(|error| error.to_string())),
            };
            shown.push_str(&format!("{text}\n    {line}\n"));
        }
    }
    expect![[r#"
        <= 100
            Ok(Some(true))
        > 100
            Ok(Some(false))
        (2..3]
            Ok(Some(true))
        [3..5)
            Ok(Some(true))
        1, 3
            Ok(Some(true))
        not(1, 3)
            Ok(Some(false))
        not(> 5)
            Ok(Some(true))
        -
            Ok(Some(true))
        ? > 2 and ? < 4
            Ok(Some(true))
        "x"
            type_mismatch at `"x"`: expected two values that can be equal, found number and text; `string(x)` makes a text of a number, `number(x)` a number of a text
        null
            Ok(Some(false))
        limit
            Ok(Some(false))
        1..5
            syntax at `..`: expected the end of the expression, found `..`
        won, lost
            Ok(Some(true))
        "won"
            Ok(Some(true))
        wom
            unknown_name at `wom`: expected a name or enum [won, lost], found `wom`; did you mean `won`?
        not(won)
            Ok(Some(false))
        < date("2026-03-02")
            compiles
        [date("2026-01-01")..date("2026-12-31")]
            compiles
    "#]].assert_eq(&shown);
}

fn world_codes() -> Type {
    process().entries().iter().find(|entry| entry.name.as_str() == "result").unwrap().ty.clone()
}
