use super::{Dialect, Refused, translate};
use crate::interchange::words::snake;

fn translated(text: &str) -> Result<String, Refused> {
    translate(text, Dialect::Plain, &mut |word, _| snake(word, "value"))
}

/// What is certain, and what it is here.
const CERTAIN: &[(&str, &str)] = &[
    // No mark: what both languages would read in the same way.
    ("test.contains(\"a\")", "contains(test, \"a\")"),
    ("!test.contains('a')", "not(contains(test, \"a\"))"),
    ("integerVariable<3", "integer_variable < 3"),
    ("(a + b) * c - -d", "(a + b) * c - -d"),
    ("a - (b - c)", "a - (b - c)"),
    ("a == 1 and b != 2", "a = 1 and b != 2"),
    // `${…}`
    ("${integerVariable}", "integer_variable"),
    ("#{amount >= 100 && approved == true}", "amount >= 100 and approved = true"),
    ("${a == 1 || b eq 2 and not c}", "a = 1 or b = 2 and not(c)"),
    ("${a gt 1 and b lt 2 and c ge 3 and d le 4 and e ne 5}", "a > 1 and b < 2 and c >= 3 and d <= 4 and e != 5"),
    ("${a div 2}", "a / 2"),
    ("${order.total * 2 % 3}", "(order.total * 2) - 3 * round down((order.total * 2) / 3)"),
    ("${loop mod 2 == 0}", "loop_value - 2 * round down(loop_value / 2) = 0"),
    ("${x != null ? x : 'none'}", "if x != null then x else \"none\""),
    ("${(a ? 1 : 2) + 3}", "(if a then 1 else 2) + 3"),
    ("${!flag}", "not(flag)"),
    ("${not flag}", "not(flag)"),
    ("${not(flag)}", "not(flag)"),
    ("${!a == b}", "not(a) = b"),
    ("${empty list}", "list = null or list = \"\" or list = []"),
    ("${!empty list}", "not(list = null or list = \"\" or list = [])"),
    ("${not empty a and b}", "not(a = null or a = \"\" or a = []) and b"),
    ("${empty a and b}", "(a = null or a = \"\" or a = []) and b"),
    ("${execution.getVariable('orderId') == 7}", "order_id = 7"),
    ("${name.equals('O\"Hara')}", "name = \"O\\\"Hara\""),
    ("${'it\\'s' eq x}", "\"it's\" = x"),
    ("${\"a}b\" == x}", "\"a}b\" = x"),
    ("${list.size() > 2}", "count(list) > 2"),
    ("${items[0].price > 2}", "items[1].price > 2"),
    ("${order['grandTotal']}", "order.grand_total"),
    ("${a.toLowerCase().startsWith('x')}", "starts with(lower case(a), \"x\")"),
    ("${now()}", "now()"),
    ("${variables:equals(orderStatus, 'new')}", "order_status = \"new\""),
    ("${var:getOrDefault(\"tries\", 0) < 3}", "get or else(tries, 0) < 3"),
    // FEEL
    ("= amount > 10 and status = \"new\"", "amount > 10 and status = \"new\""),
    ("=not(contains(name, \"x\"))", "not(contains(name, \"x\"))"),
    ("=if x > 1 then \"a\" else \"b\"", "if x > 1 then \"a\" else \"b\""),
    ("= x between 1 and 10", "x between 1 and 10"),
    ("= x in [1..10)", "x in [1..10)"),
    ("= x in ]1..10[", "x in (1..10)"),
    ("= x in (1, > 5, [7..9])", "x in (1, > 5, [7..9])"),
    ("= x in [\"a\", \"b\"]", "x in [\"a\", \"b\"]"),
    ("= list contains([\"a\", \"b\"], kind)", "list contains([\"a\", \"b\"], kind)"),
    ("= \"a \" + name", "\"a \" + name"),
    ("= {id: orderId, \"full name\": name}", "{id: order_id, full_name: name}"),
    ("= items[1].price", "items[1].price"),
    ("= items[-1]", "items[-1]"),
    ("= items[item.price > 5]", "items[item.price > 5]"),
    ("= for i in items return i.price * 2", "for i in items return i.price * 2"),
    ("= some i in items satisfies i > limit", "some i in items satisfies i > limit"),
    ("= count(for i in 1..3 return i)", "count(for i in 1..3 return i)"),
    ("= now() + duration(\"PT1H\")", "now() + duration(\"PT1H\")"),
    ("= date and time(\"2026-03-02T12:00:00Z\")", "date and time(\"2026-03-02T12:00:00Z\")"),
    ("= today() + @\"P2D\"", "today() + @\"P2D\""),
    ("= sum(prices)", "if count(prices) = 0 then null else sum(prices)"),
    ("= sum(a, b)", "sum(a, b)"),
    ("= split(line, \";\")[1]", "split(line, \";\")[1]"),
    ("= replace(line, \"-\", \"\")", "replace(line, \"-\", \"\")"),
    ("= is empty(list)", "count(list) = 0"),
    ("= `order-id` = 7", "order_id = 7"),
    ("= 2 ** 3", "2 ** 3"),
    ("= x.year", "x.year"),
    // In FEEL these are names.
    ("= div = mod", "div = mod"),
];

/// What is not, with the place in the text and the reason.
const REFUSED: &[(&str, usize, &str)] = &[
    ("${bean.check(order)}", 7, "the method `check`"),
    ("${myFunction(1)}", 2, "the function `myFunction`"),
    ("${count(list)}", 2, "the function `count`"),
    ("${execution.id}", 2, "`execution`, which is an object of another engine"),
    ("${authenticatedUserId == a}", 2, "`authenticatedUserId`, which is an object of another engine"),
    ("a ==", 4, "its end where a value was expected"),
    ("Order ${id}", 6, "a text with `${…}` in it"),
    ("${a} and ${b}", 0, "a text with `${…}` in it"),
    ("a ; b", 2, "`;`"),
    ("'open", 0, "a text without its end"),
    ("${'a' + b}", 6, "`+` with a text, which adds numbers there"),
    (
        "${approved == 'true'}",
        11,
        "a comparison with the text 'true', which there may be a number, a truth value or null",
    ),
    ("${count == '5'}", 8, "a comparison with the text '5', which there may be a number, a truth value or null"),
    ("${x == ''}", 4, "a comparison with the text '', which there may be a number, a truth value or null"),
    ("${a = b}", 4, "`=`, which compares nothing there: write `==`"),
    ("${a < b == c}", 8, "another `==`: write parentheses"),
    ("${a.equals(b)}", 4, "`equals` of what is no text, which depends on Java's types"),
    ("${a.matches('x.*')}", 4, "the method `matches`"),
    ("${a.substring(1)}", 4, "the method `substring`"),
    ("${a[i]}", 3, "a place in a list that is no number"),
    ("${'\\n'}", 2, "`\\n` in a text"),
    ("${a ? b}", 7, "its end where `:` was expected"),
    ("= matches(a, \"x\")", 2, "the function `matches`"),
    ("= split(a, \"[,;]\")", 2, "a pattern of `split`"),
    ("= replace(a, b, c)", 2, "a pattern of `replace`"),
    ("= time(\"09:00:00\")", 2, "the function `time`"),
    ("= string join(list, \",\", \"[\", \"]\")", 2, "`string join` of 4 arguments"),
    ("= order total > 5", 8, "`total`"),
    ("= items[price > 5]", 8, "`price` in a filter, which may be the item's or a variable"),
    ("= x instance of number", 4, "`instance`"),
    ("= function(x) x", 2, "the function `function`"),
    ("= -2 ** 2", 5, "`**` behind a minus: write parentheses"),
    ("= @\"09:00:00\"", 3, "`@\"09:00:00\"`, which is no date and no length of time"),
    ("= 1e5", 3, "`e5`"),
    ("= not a", 2, "`not` without parentheses"),
    ("=", 1, "its end where a value was expected"),
];

#[test]
fn what_is_certain_is_translated() {
    let found: Vec<_> = CERTAIN.iter().map(|(text, _)| (*text, translated(text))).collect();
    let wanted: Vec<_> = CERTAIN.iter().map(|(text, meaning)| (*text, Ok((*meaning).to_string()))).collect();
    assert_eq!(differing(&found, &wanted), Vec::<String>::new());
}

#[test]
fn the_rest_is_refused_with_its_place() {
    let found: Vec<_> = REFUSED.iter().map(|(text, _, _)| (*text, translated(text))).collect();
    let refused = |at: usize, why: &str| Err(Refused { at, why: why.to_string() });
    let wanted: Vec<_> = REFUSED.iter().map(|(text, at, why)| (*text, refused(*at, why))).collect();
    assert_eq!(differing(&found, &wanted), Vec::<String>::new());
}

type Outcome = (&'static str, Result<String, Refused>);

fn differing(found: &[Outcome], wanted: &[Outcome]) -> Vec<String> {
    let pairs = found.iter().zip(wanted).filter(|(found, wanted)| found != wanted);
    pairs.map(|(found, wanted)| format!("{}: expected {:?}, found {:?}", found.0, wanted.1, found.1)).collect()
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("${{{}1{}}}", "(".repeat(50_000), ")".repeat(50_000));
    assert_eq!(translated(&deep).map_err(|refused| refused.why), Err("an expression of so many words".into()));
    for prefix in ["(", "-", "!", "not(", "x ? 1 : "] {
        let deep =
            format!("${{{}1", prefix.repeat(400)) + &")".repeat(if prefix.ends_with('(') { 400 } else { 0 }) + "}";
        assert_eq!(translated(&deep).map_err(|refused| refused.why), Err("so many parentheses".into()), "{prefix}");
    }
}
