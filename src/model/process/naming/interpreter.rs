//! The interpreters, and how each reads its arguments: one row each.

/// An interpreter, and how it reads its arguments: lists of words. An option that is in none of them is a switch.
pub(super) struct Interpreter {
    /// The name of its executable, without a version.
    pub(super) name: &'static str,
    /// Its other names.
    aliases: &'static str,
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

/// Whether a word is in a list of words.
pub(super) fn has(list: &str, word: &str) -> bool {
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
