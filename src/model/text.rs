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
    plain: Option<Box<str>>,
    #[n(1)]
    #[allow(
        clippy::box_collection,
        reason = "most texts have one language: they hold a word for the others, not three"
    )]
    by_lang: Option<Box<BTreeMap<Lang, String>>>,
}

impl Text {
    /// The same text in every language.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { plain: Some(text.into().into_boxed_str()), by_lang: None }
    }

    /// One text per language.
    pub fn by_lang(texts: BTreeMap<Lang, String>) -> Self {
        Self { plain: None, by_lang: Some(texts).filter(|texts| !texts.is_empty()).map(Box::new) }
    }

    /// The text in `lang`, else the one for all languages, else English, else any.
    ///
    /// ```
    /// use stageflow::model::Text;
    /// assert_eq!(Text::plain("Lead").get("ru"), "Lead");
    /// ```
    pub fn get(&self, lang: &str) -> &str {
        let of = |lang: &str| self.by_lang.as_ref().and_then(|texts| texts.get(lang)).map(String::as_str);
        let any = || self.by_lang.as_ref().and_then(|texts| texts.values().next()).map(String::as_str);
        of(lang).or(self.plain.as_deref()).or_else(|| of("en")).or_else(any).unwrap_or_default()
    }

    /// Every text with its language; the one for all languages under no code.
    pub fn all(&self) -> impl Iterator<Item = (Option<&Lang>, &str)> {
        let plain = self.plain.iter().map(|text| (None, &**text));
        plain.chain(self.by_lang.iter().flat_map(|texts| &**texts).map(|(lang, text)| (Some(lang), text.as_str())))
    }

    /// Every text made another one.
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let plain = self.plain.as_deref().map(|text| change(text).into_boxed_str());
        let changed = |texts: &BTreeMap<Lang, String>| {
            Box::new(texts.iter().map(|(lang, text)| (lang.clone(), change(text))).collect())
        };
        Self { plain, by_lang: self.by_lang.as_deref().map(changed) }
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.plain.is_none() && self.by_lang.as_ref().is_none_or(|texts| texts.is_empty())
    }
}
