//! What a scene expects `sockeye check --json` to advise, and the comparison with what it does.

use regex::Regex;
use serde_json::Value;

use crate::schema::valid;

/// One fix, as `assets/check.schema.json` describes it.
#[derive(Clone, Debug)]
pub struct Fix {
    pub code: String,
    pub text: String,
    pub command: Option<String>,
    /// Whether it says that it does not free the port, or not for good.
    pub is_half: bool,
    pub warning: Option<String>,
    /// What it says that it ends as well, by name.
    pub also_ends: Vec<String>,
}

/// The advice for one target.
pub struct Advice {
    pub fixes: Vec<Fix>,
    pub whole: Value,
}

impl Advice {
    /// Reads what `sockeye check --json` printed for one target.
    pub fn parse(printed: &str) -> Result<Self, String> {
        let whole = std::panic::catch_unwind(|| valid(printed))
            .map_err(|_| format!("not as the schema says: {printed}"))?;
        let target = whole["targets"][0].clone();
        let remedies = target["remedies"].as_array().ok_or("no remedies")?;
        let fixes = remedies.iter().map(fix).collect::<Result<_, _>>()?;
        Ok(Self {
            fixes,
            whole: target,
        })
    }
}

fn fix(one: &Value) -> Result<Fix, String> {
    let text = |key: &str| one[key].as_str().map(str::to_owned);
    let also_ends = one["also_ends"].as_array().cloned().unwrap_or_default();
    let named = |one: &Value| one["name"].as_str().unwrap_or_default().to_owned();
    Ok(Fix {
        code: text("code").ok_or_else(|| format!("a fix without code: {one}"))?,
        text: text("text").unwrap_or_default(),
        command: text("command"),
        is_half: one["restarts"] == true || one["frees"] != "yes",
        warning: text("warning"),
        also_ends: also_ends.iter().map(named).collect(),
    })
}

/// What the first fix of a scene has to be.
#[derive(Clone, Debug)]
pub enum First {
    /// It has a command, and a code that the regular expression `code` matches: `pattern` is a regular expression for it, `line` the command that the scene is
    /// known to be mended by, both with `{NAMES}` of the set-up.
    Command {
        code: &'static str,
        pattern: String,
        line: String,
    },
    /// No command frees the port and harms nothing: `says` is a regular expression for the sentence.
    /// `then` is one for a later command, if there has to be one.
    Sentence {
        code: &'static str,
        says: String,
        then: Option<String>,
    },
}

impl First {
    /// The same with each text filled in.
    pub fn filled(&self, fill: impl Fn(&str) -> String) -> Self {
        let mut filled = self.clone();
        match &mut filled {
            Self::Command { pattern, line, .. } => {
                *pattern = fill(pattern);
                *line = fill(line);
            }
            Self::Sentence { says, then, .. } => {
                *says = fill(says);
                *then = then.as_deref().map(fill);
            }
        }
        filled
    }
}

/// What else a scene says of the advice; all texts are regular expressions.
pub struct Wanted {
    /// No command that is unmarked and ends nothing else matches these.
    pub never: Vec<String>,
    /// What the first fix may end as well.
    pub also_ends: Vec<String>,
    /// What it may warn of.
    pub warns: Vec<String>,
    /// `behind` or `kept_by`, its key, and its value.
    pub facts: Vec<(&'static str, &'static str, String)>,
}

/// Holds advice against what a scene expects; the differences.
pub fn differences(advice: &Advice, first: &First, wanted: &Wanted) -> Vec<String> {
    let mut wrong = Vec::new();
    match (first, advice.fixes.first()) {
        (_, None) => wrong.push("no fix at all".into()),
        (First::Command { code, pattern, .. }, Some(fix)) => {
            let command = fix.command.as_deref().unwrap_or_default();
            if !is_match(code, &fix.code) || !is_match(pattern, command) {
                wrong.push(format!("first fix is not {code} `{pattern}`: {fix:?}"));
            }
            let mut ends = fix.also_ends.iter();
            let may_end = |name: &String| wanted.also_ends.iter().any(|one| is_match(one, name));
            let may_warn = |text: &String| wanted.warns.iter().any(|one| is_match(one, text));
            let warns = fix.warning.as_ref().is_some_and(|text| !may_warn(text));
            if fix.is_half || warns || !ends.all(may_end) {
                wrong.push(format!(
                    "the first fix does something else as well: {fix:?}"
                ));
            }
        }
        (First::Sentence { code, says, then }, Some(fix)) => {
            if !is_match(code, &fix.code) || fix.command.is_some() || !is_match(says, &fix.text) {
                wrong.push(format!(
                    "first fix is not {code}, a sentence `{says}`: {fix:?}"
                ));
            }
            let commands = || advice.fixes.iter().filter_map(|fix| fix.command.as_deref());
            if let Some(then) = then
                .as_ref()
                .filter(|then| !commands().any(|one| is_match(then, one)))
            {
                wrong.push(format!("no later command is `{then}`: {:?}", advice.fixes));
            }
        }
    }
    let is_unmarked =
        |fix: &&Fix| !fix.is_half && fix.warning.is_none() && fix.also_ends.is_empty();
    let unmarked = advice.fixes.iter().filter(is_unmarked);
    for command in unmarked.filter_map(|fix| fix.command.as_deref()) {
        let said = wanted
            .never
            .iter()
            .filter(|pattern| is_match(pattern, command));
        wrong.extend(said.map(|pattern| format!("says `{command}`, which is `{pattern}`")));
    }
    for (of, key, pattern) in &wanted.facts {
        let value = &advice.whole[of][key];
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if !is_match(pattern, &value) {
            wrong.push(format!(
                "{of}.{key} is not `{pattern}`: {}",
                advice.whole[of]
            ));
        }
    }
    wrong
}

pub fn is_match(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(text)
}
