//! The interpreters, and how each reads its arguments: one row each.

use self::Kind::{Bun, Deno, Dotnet, Java, Lua, Node, Perl, Php, Python, Ruby, Shell};

/// The interpreters whose arguments are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    Python,
    Java,
    Ruby,
    Perl,
    Php,
    Shell,
    Deno,
    Bun,
    Dotnet,
    Lua,
}

/// How an interpreter reads its arguments: lists of words. An option that is in none of them is a switch.
pub(super) struct Grammar {
    /// Options whose value is the next argument.
    pub(super) valued: &'static str,
    /// Options whose value is the program to run.
    pub(super) names: &'static str,
    /// Options after which there is no script: code follows, or standard input is read.
    pub(super) inline: &'static str,
    /// Words before the script.
    pub(super) verbs: &'static str,
    /// Whether short options can be joined (`-um`), and a value can follow without a blank.
    pub(super) is_joined: bool,
}

const PLAIN: Grammar = Grammar {
    valued: "",
    names: "",
    inline: "",
    verbs: "",
    is_joined: false,
};

/// The dynamic loader (`ld.so(8)`).
pub(super) const LOADER: Grammar = Grammar {
    valued: "--library-path --preload --audit --argv0 --inhibit-rpath",
    ..PLAIN
};

/// Each with the names of its executable, without versions.
#[rustfmt::skip]
const INTERPRETERS: [(Kind, &str, Grammar); 11] = [
    (Node, "node nodejs", Grammar {
        valued: "-r --require --import --loader --experimental-loader -C --conditions --env-file \
                 --env-file-if-exists --input-type --title --watch-path --inspect-port --icu-data-dir --openssl-config",
        inline: "-e --eval -p --print -pe -i --run -",
        verbs: "inspect",
        ..PLAIN
    }),
    (Python, "python pypy", Grammar {
        valued: "-W -X --check-hash-based-pycs", names: "-m", inline: "-c -", is_joined: true, ..PLAIN
    }),
    (Java, "java", Grammar {
        valued: "-cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports --add-reads \
                 --patch-module --upgrade-module-path --limit-modules --enable-native-access --source",
        names: "-jar -m --module",
        ..PLAIN
    }),
    (Ruby, "ruby", Grammar { valued: "-I -r -C -E --encoding", inline: "-e -", is_joined: true, ..PLAIN }),
    (Perl, "perl", Grammar { valued: "-I", inline: "-e -E -", is_joined: true, ..PLAIN }),
    (Php, "php", Grammar {
        valued: "-d -c -t -S -z --define --docroot --server",
        names: "-f --file",
        inline: "-r --run -R -B -E -F -a --",
        ..PLAIN
    }),
    (Shell, "sh bash dash ash zsh ksh mksh", Grammar {
        valued: "-o -O +o +O --rcfile --init-file", inline: "-c -s -", is_joined: true, ..PLAIN
    }),
    (Deno, "deno", Grammar {
        valued: "-c --config --import-map --port --host --lock -L --log-level --cert --seed --location",
        inline: "- -A",
        verbs: "run serve",
        ..PLAIN
    }),
    (Bun, "bun", Grammar {
        valued: "-c --config --cwd -r --preload --port --env-file -F --filter",
        inline: "-e --eval -p --print -",
        verbs: "run",
        ..PLAIN
    }),
    (Dotnet, "dotnet", Grammar {
        valued: "--depsfile --runtimeconfig --additionalprobingpath --additional-deps --fx-version --roll-forward",
        verbs: "exec",
        ..PLAIN
    }),
    (Lua, "lua luajit", Grammar { valued: "-l", inline: "-e -i -", ..PLAIN }),
];

/// Whether a word is in a list of words.
pub(super) fn has(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

/// The interpreter of this executable name, with or without a version.
pub(super) fn kind_of(program: &str) -> Option<Kind> {
    let family = family(program);
    let mut all = INTERPRETERS.iter();
    let found = all.find(|(_, names, _)| has(names, family))?;
    Some(found.0)
}

/// The row of an interpreter.
pub(super) fn grammar(kind: Kind) -> &'static Grammar {
    &INTERPRETERS[kind as usize].2
}

/// `python3.11`, `ruby2.7`, `node.exe`: the name without its version.
pub(super) fn family(program: &str) -> &str {
    let program = program.strip_suffix(".exe").unwrap_or(program);
    program.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_in_the_order_of_the_kinds() {
        for (at, (kind, ..)) in INTERPRETERS.iter().enumerate() {
            assert_eq!(at, *kind as usize);
        }
    }
}
