//! XML as it is written.

/// A text of elements, indented.
pub(super) struct Writer {
    pub text: String,
    depth: usize,
    /// What a level is indented by.
    unit: String,
    open: Vec<&'static str>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::at(0)
    }
}

impl Writer {
    /// One that begins this deep.
    pub fn at(depth: usize) -> Self {
        Self::like(depth, "  ")
    }

    /// One that begins this deep, in a text that is indented by this.
    pub fn like(depth: usize, unit: &str) -> Self {
        Self { text: String::new(), depth, unit: unit.to_string(), open: Vec::new() }
    }

    /// Opens an element; attributes without a value are left out.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.open_with(name, attributes, "");
    }

    /// The same, with attributes that are written already.
    pub fn open_with(&mut self, name: &'static str, attributes: &[(&str, &str)], verbatim: &str) {
        self.tag(name, attributes, &format!("{verbatim}>\n"));
        self.open.push(name);
        self.depth += 1;
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.depth = self.depth.saturating_sub(1);
            self.indent();
            self.text.push_str(&format!("</{name}>\n"));
        }
    }

    /// An element with nothing in it.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, " />\n");
    }

    /// An element with words in it.
    pub fn words(&mut self, name: &str, attributes: &[(&str, &str)], words: &str) {
        self.tag(name, attributes, ">");
        self.text.push_str(&escaped(words));
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// An element that is written already.
    pub fn verbatim(&mut self, element: &str) {
        self.indent();
        self.text.push_str(element);
        self.text.push('\n');
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            self.text.push_str(&format!(" {key}=\"{}\"", escaped(value)));
        }
        self.text.push_str(end);
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n(&*self.unit, self.depth));
    }
}

/// A text inside an element or an attribute. What XML cannot hold is left out.
pub(super) fn escaped(words: &str) -> String {
    let mut written = String::new();
    for c in words.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\n' => written.push_str("&#10;"),
            '\t' => written.push_str("&#9;"),
            '\r' => written.push_str("&#13;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => written.push(c),
        }
    }
    written
}
