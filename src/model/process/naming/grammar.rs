//! How interpreters read their arguments: one row for each. An option that is in none of the lists is
//! taken for a switch.

use super::Kind;

/// How an interpreter reads its arguments.
pub(super) struct Grammar {
    /// Options whose value is the next argument.
    pub(super) valued: &'static [&'static str],
    /// Options whose value names what is run.
    pub(super) names: &'static [&'static str],
    /// Options after which there is no script: code follows, or standard input is read.
    pub(super) inline: &'static [&'static str],
    /// Words before the script.
    pub(super) verbs: &'static [&'static str],
    /// Whether short options can be joined (`-um`), and a value can follow without a blank.
    pub(super) is_joined: bool,
}

pub(super) const PLAIN: Grammar = Grammar {
    valued: &[],
    names: &[],
    inline: &[],
    verbs: &[],
    is_joined: false,
};

const NODE: Grammar = Grammar {
    valued: &[
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "-C",
        "--conditions",
        "--env-file",
        "--env-file-if-exists",
        "--input-type",
        "--title",
        "--watch-path",
        "--inspect-port",
        "--icu-data-dir",
        "--openssl-config",
    ],
    inline: &["-e", "--eval", "-p", "--print", "-pe", "-i", "--run", "-"],
    verbs: &["inspect"],
    ..PLAIN
};

const PYTHON: Grammar = Grammar {
    valued: &["-W", "-X", "--check-hash-based-pycs"],
    names: &["-m"],
    inline: &["-c", "-"],
    is_joined: true,
    ..PLAIN
};

const JAVA: Grammar = Grammar {
    valued: &[
        "-cp",
        "-classpath",
        "--class-path",
        "-p",
        "--module-path",
        "--add-modules",
        "--add-opens",
        "--add-exports",
        "--add-reads",
        "--patch-module",
        "--upgrade-module-path",
        "--limit-modules",
        "--enable-native-access",
        "--source",
    ],
    names: &["-jar", "-m", "--module"],
    ..PLAIN
};

const RUBY: Grammar = Grammar {
    valued: &["-I", "-r", "-C", "-E", "--encoding"],
    inline: &["-e", "-"],
    is_joined: true,
    ..PLAIN
};

const PERL: Grammar = Grammar {
    valued: &["-I"],
    inline: &["-e", "-E", "-"],
    is_joined: true,
    ..PLAIN
};

const PHP: Grammar = Grammar {
    valued: &[
        "-d",
        "-c",
        "-t",
        "-S",
        "-z",
        "--define",
        "--docroot",
        "--server",
    ],
    names: &["-f", "--file"],
    inline: &["-r", "--run", "-R", "-B", "-E", "-F", "-a", "--"],
    ..PLAIN
};

const SHELL: Grammar = Grammar {
    valued: &["-o", "-O", "+o", "+O", "--rcfile", "--init-file"],
    inline: &["-c", "-s", "-"],
    is_joined: true,
    ..PLAIN
};

const DENO: Grammar = Grammar {
    valued: &[
        "-c",
        "--config",
        "--import-map",
        "--port",
        "--host",
        "--lock",
        "-L",
        "--log-level",
        "--cert",
        "--seed",
        "--location",
    ],
    inline: &["-", "-A"],
    verbs: &["run", "serve"],
    ..PLAIN
};

const BUN: Grammar = Grammar {
    valued: &[
        "-c",
        "--config",
        "--cwd",
        "-r",
        "--preload",
        "--port",
        "--env-file",
        "-F",
        "--filter",
    ],
    inline: &["-e", "--eval", "-p", "--print", "-"],
    verbs: &["run"],
    ..PLAIN
};

const DOTNET: Grammar = Grammar {
    valued: &[
        "--depsfile",
        "--runtimeconfig",
        "--additionalprobingpath",
        "--additional-deps",
        "--fx-version",
        "--roll-forward",
    ],
    verbs: &["exec"],
    ..PLAIN
};

const LUA: Grammar = Grammar {
    valued: &["-l"],
    inline: &["-e", "-i", "-"],
    ..PLAIN
};

/// The row of an interpreter.
pub(super) const fn grammar(kind: Kind) -> &'static Grammar {
    match kind {
        Kind::Node => &NODE,
        Kind::Python => &PYTHON,
        Kind::Java => &JAVA,
        Kind::Ruby => &RUBY,
        Kind::Perl => &PERL,
        Kind::Php => &PHP,
        Kind::Shell => &SHELL,
        Kind::Deno => &DENO,
        Kind::Bun => &BUN,
        Kind::Dotnet => &DOTNET,
        Kind::Lua => &LUA,
    }
}
