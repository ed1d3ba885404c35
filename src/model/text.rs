//! Texts for people, in one or several languages.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::Name;

/// A language code, for example `en`.
pub type Lang = Name;

/// A title or sentence: one text for all languages, or one per language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Text {
    #[n(0)]
    plain: Option<String>,
    #[n(1)]
    by_lang: BTreeMap<Lang, String>,
}

impl Text {
    /// The same text in every language.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { plain: Some(text.into()), by_lang: BTreeMap::new() }
    }

    /// One text per language.
    pub fn by_lang(texts: BTreeMap<Lang, String>) -> Self {
        Self { plain: None, by_lang: texts }
    }

    /// The text in `lang`, else the one for all languages, else English, else any.
    ///
    /// ```
    /// use stageflow::model::Text;
    /// assert_eq!(Text::plain("Lead").get("ru"), "Lead");
    /// ```
    pub fn get(&self, lang: &str) -> &str {
        self.by_lang
            .get(lang)
            .or(self.plain.as_ref())
            .or_else(|| self.by_lang.get("en"))
            .or_else(|| self.by_lang.values().next())
            .map_or("", String::as_str)
    }

    /// Every text with its language; the one for all languages under no code.
    pub fn all(&self) -> impl Iterator<Item = (Option<&Lang>, &str)> {
        let plain = self.plain.iter().map(|text| (None, text.as_str()));
        plain.chain(self.by_lang.iter().map(|(lang, text)| (Some(lang), text.as_str())))
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.plain.is_none() && self.by_lang.is_empty()
    }
}
