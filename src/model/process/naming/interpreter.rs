//! The interpreters, one row each, and which of their arguments is the script.

/// An interpreter, and how it reads its arguments: lists of words. An option that is in none of them is a switch.
pub(super) struct Interpreter {
    /// The name of its executable, without a version.
    pub(super) name: &'static str,
    /// Its other names.
    aliases: &'static str,
    /// Options whose value is the next argument.
    valued: &'static str,
    /// Options whose value is the program to run.
    names: &'static str,
    /// Options after which there is no script: code follows, or standard input is read.
    inline: &'static str,
    /// Words before the script.
    verbs: &'static str,
    /// Whether short options can be joined (`-um`), and a value can follow without a blank.
    is_joined: bool,
}

const PLAIN: Interpreter = Interpreter {
    name: "",
    aliases: "",
    valued: "",
    names: "",
    inline: "",
    verbs: "",
    is_joined: false,
};

/// The dynamic loader (`ld.so(8)`).
pub(super) const LOADER: Interpreter = Interpreter {
    valued: "--library-path --preload --audit --argv0 --inhibit-rpath",
    ..PLAIN
};

#[rustfmt::skip]
static INTERPRETERS: [Interpreter; 11] = [
    Interpreter { name: "node", aliases: "nodejs",
        valued: "-r --require --import --loader --experimental-loader -C --conditions --env-file \
                 --env-file-if-exists --input-type --title --watch-path --inspect-port --icu-data-dir --openssl-config",
        inline: "-e --eval -p --print -pe -i --run -",
        verbs: "inspect",
        ..PLAIN
    },
    Interpreter { name: "python", aliases: "pypy",
        valued: "-W -X --check-hash-based-pycs", names: "-m", inline: "-c -", is_joined: true, ..PLAIN
    },
    Interpreter { name: "java",
        valued: "-cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports --add-reads \
                 --patch-module --upgrade-module-path --limit-modules --enable-native-access --source",
        names: "-jar -m --module",
        ..PLAIN
    },
    Interpreter { name: "ruby", valued: "-I -r -C -E --encoding", inline: "-e -", is_joined: true, ..PLAIN },
    Interpreter { name: "perl", valued: "-I", inline: "-e -E -", is_joined: true, ..PLAIN },
    Interpreter { name: "php",
        valued: "-d -c -t -S -z --define --docroot --server",
        names: "-f --file",
        inline: "-r --run -R -B -E -F -a --",
        ..PLAIN
    },
    Interpreter { name: "sh", aliases: "bash dash ash zsh ksh mksh",
        valued: "-o -O +o +O --rcfile --init-file", inline: "-c -s -", is_joined: true, ..PLAIN
    },
    Interpreter { name: "deno",
        valued: "-c --config --import-map --port --host --lock -L --log-level --cert --seed --location",
        inline: "- -A",
        verbs: "run serve",
        ..PLAIN
    },
    Interpreter { name: "bun",
        valued: "-c --config --cwd -r --preload --port --env-file -F --filter",
        inline: "-e --eval -p --print -",
        verbs: "run",
        ..PLAIN
    },
    Interpreter { name: "dotnet",
        valued: "--depsfile --runtimeconfig --additionalprobingpath --additional-deps --fx-version --roll-forward",
        verbs: "exec",
        ..PLAIN
    },
    Interpreter { name: "lua", aliases: "luajit", valued: "-l", inline: "-e -i -", ..PLAIN },
];

fn has(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

/// The interpreter of this executable name, with or without a version.
pub(super) fn interpreter(program: &str) -> Option<&'static Interpreter> {
    let family = family(program);
    let mut all = INTERPRETERS.iter();
    all.find(|one| one.name == family || has(one.aliases, family))
}

/// `python3.11`, `ruby2.7`, `node.exe`: the name without its version.
pub(super) fn family(program: &str) -> &str {
    let program = program.strip_suffix(".exe").unwrap_or(program);
    program.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'))
}

/// What an interpreter runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script<'a> {
    /// A file.
    File(&'a str),
    /// A module, a class, an archive: by its own name.
    Named(&'a str),
    /// Code of the command line or of standard input, or nothing that is understood.
    None,
}

/// The program that these arguments (without the interpreter's name) run.
pub(super) fn script<'a>(interpreter: &Interpreter, arguments: &'a [&'a str]) -> Script<'a> {
    let Some((word, is_named)) = find(interpreter, arguments) else {
        return Script::None;
    };
    let ending = word.rsplit_once('.').map_or("", |(_, ending)| ending);
    match interpreter.name {
        // A file of arguments may name the class: what follows may belong to it.
        "java" if word.starts_with('@') => Script::None,
        "java" if !word.contains(if is_named { ".jar" } else { "/" }) => Script::Named(word),
        "python" if is_named => Script::Named(word),
        "dotnet" if !ending.eq_ignore_ascii_case("dll") => Script::None,
        "deno" if !word.contains('.') => Script::None,
        _ if word.is_empty() => Script::None,
        _ => Script::File(word.trim_end_matches('/')),
    }
}

/// The word that names the program to run, and whether it is the value of an option, not the first positional argument.
pub(super) fn find<'a>(
    interpreter: &Interpreter,
    arguments: &'a [&'a str],
) -> Option<(&'a str, bool)> {
    let (mut has_verb, mut rest) = (false, arguments.iter().copied());
    while let Some(argument) = rest.next() {
        if !has_verb && has(interpreter.verbs, argument) {
            has_verb = true;
            continue;
        }
        if argument == "--" && !has(interpreter.inline, "--") {
            return Some((rest.next()?, false));
        }
        let is_option =
            argument.starts_with('-') || argument.starts_with('+') && argument.len() == 2;
        if !is_option {
            return Some((argument, false));
        }
        match meaning(interpreter, argument) {
            Meaning::Switch => {}
            Meaning::Value => _ = rest.next(),
            Meaning::Inline => return None,
            Meaning::Name(Some(name)) => return Some((name, true)),
            Meaning::Name(None) => return Some((rest.next()?, true)),
        }
    }
    None
}

enum Meaning<'a> {
    Switch,
    /// The next argument is its value.
    Value,
    Inline,
    /// It names the program: by its own value, or by the next argument.
    Name(Option<&'a str>),
}

fn meaning<'a>(interpreter: &Interpreter, option: &'a str) -> Meaning<'a> {
    match (listed(interpreter, option), option.split_once('=')) {
        (Some(meaning), _) => meaning,
        (None, Some((name, value))) if name.starts_with("--") && has(interpreter.names, name) => {
            Meaning::Name(Some(value))
        }
        _ if interpreter.is_joined && !option.starts_with("--") => joined(interpreter, option),
        _ => Meaning::Switch,
    }
}

fn listed(interpreter: &Interpreter, option: &str) -> Option<Meaning<'static>> {
    match () {
        () if has(interpreter.inline, option) => Some(Meaning::Inline),
        () if has(interpreter.valued, option) => Some(Meaning::Value),
        () if has(interpreter.names, option) => Some(Meaning::Name(None)),
        () => None,
    }
}

/// `-um`, `-Werror`, `-lc`: the first letter that takes something decides.
fn joined<'a>(interpreter: &Interpreter, option: &'a str) -> Meaning<'a> {
    for (at, letter) in option.char_indices().skip(1) {
        let value = Some(&option[at + letter.len_utf8()..]).filter(|value| !value.is_empty());
        match listed(interpreter, &format!("-{letter}")) {
            None => {}
            Some(Meaning::Value) if value.is_some() => return Meaning::Switch,
            Some(Meaning::Name(_)) => return Meaning::Name(value),
            Some(other) => return other,
        }
    }
    Meaning::Switch
}
