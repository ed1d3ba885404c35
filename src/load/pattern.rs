//! File patterns of `processes: [...]`: names with `*` and `?`.

/// Whether a name, with `/` between its parts, fits a pattern: `*` and `?` stand for letters of one part, `**` for any
/// number of parts.
///
/// ```
/// use stageflow::load::pattern::fits;
/// assert!(fits("*.yaml", "crm.yaml") && !fits("*.yaml", "old/crm.yaml"));
/// assert!(fits("**/sale_?.yaml", "a/b/sale_2.yaml") && fits("**/sale_?.yaml", "sale_2.yaml"));
/// ```
pub fn fits(pattern: &str, name: &str) -> bool {
    let parts: Vec<&str> = pattern.split('/').filter(|part| *part != ".").collect();
    let names: Vec<&str> = name.split('/').collect();
    fits_by(&parts, &names, |part| *part == "**", |part, name| fits_part(part, name))
}

/// Whether the text names more than one file.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn fits_part(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    fits_by(&pattern, &name, |sign| *sign == '*', |sign, letter| *sign == '?' || sign == letter)
}

/// Matches with wildcards that stand for any number of items, in time `pattern` times `items`: only the last wildcard
/// seen is ever tried again.
fn fits_by<T>(pattern: &[T], items: &[T], any: impl Fn(&T) -> bool, one: impl Fn(&T, &T) -> bool) -> bool {
    let (mut sign, mut item) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(found) = items.get(item) {
        match pattern.get(sign) {
            Some(wild) if any(wild) => {
                back = Some((sign, item));
                sign += 1;
            }
            Some(wanted) if one(wanted, found) => {
                sign += 1;
                item += 1;
            }
            _ => {
                let Some((wild, from)) = back else { return false };
                back = Some((wild, from + 1));
                (sign, item) = (wild + 1, from + 1);
            }
        }
    }
    pattern.get(sign..).unwrap_or_default().iter().all(any)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_fits_names() {
        for (pattern, name, expected) in [
            ("crm.yaml", "crm.yaml", true),
            ("./crm.yaml", "crm.yaml", true),
            ("crm.yaml", "crm_yaml", false),
            ("*", "crm.yaml", true),
            ("*_sale.*", "corporate_sale.yaml", true),
            ("*a*a*", "banana", true),
            ("*a*a*a*a", "banana", false),
            ("s?le", "sale", true),
            ("s?le", "sle", false),
            ("*.yaml", "old/crm.yaml", false),
            ("old/*.yaml", "old/crm.yaml", true),
            ("**", "a/b/c", true),
            ("**/c", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("a/**/c", "b/c", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
