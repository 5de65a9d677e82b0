//! The names of programs, each as the kernel shows it: comm, executable, arguments.

use super::*;

fn name(comm: &str, executable: &str, argv: &[&str]) -> String {
    let executable = (!executable.is_empty()).then_some(executable);
    let facts = ProgramFacts {
        comm,
        executable,
        argv,
    };
    facts.name()
}

/// Splits at `|`: arguments have blanks in them.
fn check(cases: &[(&str, &str, &str, &str)]) {
    for &(comm, executable, arguments, expected) in cases {
        let argv: Vec<&str> = arguments.split('|').collect();
        assert_eq!(name(comm, executable, &argv), expected, "{arguments}");
    }
}

#[test]
fn a_program_is_its_executable() {
    check(&[
        (
            "nginx",
            "/usr/sbin/nginx",
            "nginx: master process /usr/sbin/nginx -g daemon off;",
            "nginx",
        ),
        (
            "postgres",
            "/usr/lib/postgresql/15/bin/postgres",
            "postgres: walwriter ",
            "postgres",
        ),
        ("sshd", "/usr/sbin/sshd", "sshd: ann@pts/0", "sshd"),
        (
            "a-very-long-nam",
            "/opt/a-very-long-name-indeed",
            "x",
            "a-very-long-name-indeed",
        ),
        ("innocent", "/tmp/miner", "nginx: worker process", "miner"),
        (
            "server",
            "/srv/server (deleted)",
            "/srv/server|-v",
            "server",
        ),
        (
            "nginx",
            "/nix/store/x-nginx/bin/.nginx-wrapped",
            "nginx",
            "nginx",
        ),
        (
            "My App",
            "/opt/My App/My App",
            "/opt/My App/My App",
            "My App",
        ),
        (
            "php-fpm8.2",
            "/usr/sbin/php-fpm8.2",
            "php-fpm: pool www",
            "php-fpm8.2",
        ),
    ]);
}

#[test]
fn where_the_executable_has_no_name_the_kernels_name_is_used() {
    check(&[
        (
            "runc:[2:INIT]",
            "/memfd:runc_cloned:/proc/self/exe (deleted)",
            "runc|init",
            "runc:[2:INIT]",
        ),
        (
            "agent",
            "/opt/agent/versions/2.1.3",
            "agent|--serve",
            "agent",
        ),
        ("x", "/", "y", "x"),
    ]);
    assert_eq!(name("kworker/0:1", "", &[]), "kworker/0:1");
}

#[test]
fn an_interpreter_is_named_with_its_script() {
    check(&[
        (
            "MainThread",
            "/usr/bin/node",
            "node|server.js",
            "node server.js",
        ),
        (
            "node",
            "/usr/bin/node",
            "/usr/bin/node|--inspect|/srv/shop/dist/main.mjs|--port|80",
            "node main.mjs",
        ),
        (
            "node",
            "/usr/bin/node",
            "node|-r|dotenv/config|--import=tsx|app.ts",
            "node app.ts",
        ),
        ("node", "/usr/bin/node", "node|-e|require('http')", "node"),
        ("node", "/usr/bin/node", "node", "node"),
        (
            "node",
            "/usr/bin/node",
            "node|/srv/node_modules/.bin/vite|--host",
            "vite",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|pg.py",
            "python3 pg.py",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "/usr/bin/python3|-u|/srv/my app/pg.py",
            "python3 pg.py",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|-m|http.server|8000",
            "python3 http.server",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|-um|http.server",
            "python3 http.server",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|-W|ignore|-Xdev|-mhttp.server",
            "python3 http.server",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|-c|import time",
            "python3",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|-Bc|import time",
            "python3",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|/srv/tool/__main__.py",
            "python3 tool",
        ),
        (
            "python3",
            "/usr/bin/python3.11",
            "python3|manage.py|runserver",
            "python3 manage.py",
        ),
        (
            "java",
            "/usr/lib/jvm/17/bin/java",
            "java|-Xmx1G|-cp|/opt/kafka/libs/*|-Dx=y|org.apache.kafka.Kafka|a.properties",
            "java org.apache.kafka.Kafka",
        ),
        (
            "java",
            "/usr/lib/jvm/17/bin/java",
            "java|-jar|/srv/app.jar|--server.port=80",
            "java app.jar",
        ),
        (
            "java",
            "/usr/lib/jvm/17/bin/java",
            "java|@/srv/args|x",
            "java",
        ),
        (
            "java",
            "/usr/lib/jvm/17/bin/java",
            "java|--module=acme.web/acme.Main",
            "java acme.web/acme.Main",
        ),
        (
            "ruby",
            "/usr/bin/ruby3.1",
            "ruby|-Ilib|app.rb",
            "ruby app.rb",
        ),
        ("perl", "/usr/bin/perl", "perl|-w|/srv/d.pl", "perl d.pl"),
        ("perl", "/usr/bin/perl", "perl|-we|sleep", "perl"),
        ("php", "/usr/bin/php8.2", "php|artisan|serve", "php artisan"),
        (
            "php",
            "/usr/bin/php8.2",
            "php|-S|0.0.0.0:80|-t|public|router.php",
            "php router.php",
        ),
        ("php", "/usr/bin/php8.2", "php|-S|0.0.0.0:80", "php"),
        (
            "deno",
            "/usr/bin/deno",
            "deno|run|--allow-net|https://x.example/app.ts",
            "deno app.ts",
        ),
        ("deno", "/usr/bin/deno", "deno|task|dev", "deno"),
        (
            "bun",
            "/usr/bin/bun",
            "bun|run|--hot|server.ts",
            "bun server.ts",
        ),
        (
            "dotnet",
            "/usr/share/dotnet/dotnet",
            "dotnet|/srv/Shop.dll",
            "dotnet Shop.dll",
        ),
        ("dotnet", "/usr/share/dotnet/dotnet", "dotnet|run", "dotnet"),
        ("lua5.4", "/usr/bin/lua5.4", "lua|a.lua", "lua a.lua"),
    ]);
}

#[test]
fn a_shell_is_named_with_its_script_and_never_with_its_code() {
    check(&[
        ("bash", "/usr/bin/bash", "-bash", "bash"),
        ("bash", "/usr/bin/bash", "bash|-c|nc -l 80", "bash"),
        ("bash", "/usr/bin/bash", "bash|-lc|nc -l 80", "bash"),
        ("web", "/usr/bin/bash", "web|-c|nc -l 80", "web"),
        ("sh", "/usr/bin/dash", "sh|-e|/srv/run.sh|x", "sh run.sh"),
        (
            "run.sh",
            "/usr/bin/bash",
            "/bin/bash|./run.sh",
            "bash run.sh",
        ),
        ("serve", "/usr/bin/dash", "/bin/sh|./serve|80", "serve"),
        (
            "bash",
            "/usr/bin/bash",
            "bash|-o|errexit|start.sh",
            "bash start.sh",
        ),
    ]);
}

#[test]
fn a_command_that_an_interpreter_runs_goes_by_its_own_name() {
    check(&[
        (
            "gunicorn",
            "/usr/bin/python3.11",
            "/venv/bin/python|/venv/bin/gunicorn|app:app",
            "gunicorn",
        ),
        (
            "uvicorn",
            "/usr/bin/python3.11",
            "/usr/bin/python3|/usr/local/bin/uvicorn|app:app",
            "uvicorn",
        ),
        (
            "gunicorn: maste",
            "/usr/bin/python3.11",
            "gunicorn: master [app:app]",
            "gunicorn",
        ),
        (
            "puma",
            "/usr/bin/ruby3.1",
            "puma 6.4.0 (tcp://0.0.0.0:3000) [shop]",
            "puma",
        ),
        (
            "PM2 v5.3.0: God",
            "/usr/bin/node",
            "PM2 v5.3.0: God Daemon (/root/.pm2)",
            "PM2",
        ),
        ("node", "/usr/bin/node", "sshd: ann@pts/0", "node"),
    ]);
}

#[test]
fn an_executable_that_is_many_programs_is_called_by_its_applet() {
    check(&[
        (
            "busybox",
            "/usr/bin/busybox",
            "busybox|httpd|-f|-p|80",
            "httpd",
        ),
        ("httpd", "/bin/busybox", "httpd|-f", "httpd"),
        ("sh", "/bin/busybox", "-sh", "sh"),
        ("sh", "/bin/busybox", "/bin/sh|/srv/run.sh", "sh run.sh"),
        ("busybox", "/bin/busybox", "busybox", "busybox"),
        ("busybox", "/bin/busybox", "busybox|--list", "busybox"),
        (
            "ld-linux-x86-64",
            "/usr/lib/ld-linux-x86-64.so.2",
            "/lib64/ld-linux-x86-64.so.2|--library-path|/x|/srv/web|80",
            "web",
        ),
    ]);
}

#[test]
fn a_borrowed_name_is_not_believed() {
    check(&[
        (
            "nginx",
            "/usr/bin/python3.11",
            "nginx|/srv/x.py",
            "python3.11 x.py",
        ),
        ("sleep", "/usr/bin/sleep", "node|server.js", "sleep"),
    ]);
}

#[test]
fn without_the_executable_comm_and_arguments_must_agree() {
    check(&[
        ("node", "", "node|server.js", "node server.js"),
        ("MainThread", "", "node|server.js", "node server.js"),
        (
            "gunicorn",
            "",
            "/usr/bin/python3|/usr/bin/gunicorn|app",
            "gunicorn",
        ),
        ("python3.11", "", "python3|pg.py", "python3 pg.py"),
        (
            "a-very-long-nam",
            "",
            "/opt/a-very-long-name-indeed",
            "a-very-long-name-indeed",
        ),
        ("nginx", "", "nginx: worker process", "nginx"),
        ("sshd", "", "sshd: ann@pts/0", "sshd"),
        ("bash", "", "-bash", "bash"),
        ("miner", "", "nginx|-g|daemon off;", "miner"),
        ("miner", "", "node|server.js", "miner"),
        ("MainThread", "", "miner", "MainThread"),
    ]);
}

#[test]
fn whatever_the_arguments_are_there_is_a_name() {
    let words = [
        "", "-", "--", "node", "python3", "-m", "-c", "java", "é", "-é", "/", "a b", "@",
    ];
    for executable in [
        "",
        "/usr/bin/node",
        "/usr/bin/python3",
        "/bin/busybox",
        "/bin/bash",
        "/j/java",
    ] {
        for one in words {
            for two in words {
                for three in words {
                    assert!(!name("c", executable, &[one, two, three]).is_empty());
                }
            }
        }
    }
}
