use super::has_loop;

/// For the server that these scripts start.
fn found(script: &str) -> Option<bool> {
    has_loop(script, &["/srv/server".to_owned()])
}

/// It was "started again by" a script whose loop was about something else.
#[test]
fn a_loop_around_other_commands_does_not_count() {
    let command = "python3 -m http.server 8080".split(' ').map(str::to_owned);
    let command: Vec<_> = command.collect();
    for (script, expected) in [
        (
            "python3 -m http.server 8080 &\n( while true; do python3 -m http.server 8081; done ) &\nwait",
            Some(false),
        ),
        (
            "( while true; do python3 -m http.server 8080; done ) &\npython3 -m http.server 8081 &\nwait",
            Some(true),
        ),
        (
            "/usr/bin/python3 -m http.server 8080 & while sleep 9; do date; done",
            Some(false),
        ),
        (
            "while sleep 1; do date; done & exec python3 -m http.server 8080",
            Some(false),
        ),
        (
            "if true; then nohup python3 -m http.server 8080 & fi\nwhile :; do if [ -e x ]; then date; fi; sleep 1; done",
            Some(false),
        ),
        // The port may be that of the loop, or of the first one.
        (
            "python3 -m http.server $A &\nwhile true; do python3 -m http.server $B; done",
            None,
        ),
        (
            "echo python3 -m http.server 8080 is started\nwhile true; do python3 -m http.server $1; done",
            Some(true),
        ),
        // What the loop runs may be the same.
        (
            "python3 -m http.server 8080 &\nwhile true; do $again; done",
            None,
        ),
        (
            "python3 -m http.server 8080 &\nwhile true; do ./again.sh; done",
            None,
        ),
        (
            "python3 -m http.server 8080 &\nwhile true; do if \"$check\"; then date; fi; done",
            None,
        ),
        // The loops of fish end like its other blocks.
        (
            "while true\n if true\n  date\n end\n python3 -m http.server 8080\nend",
            Some(true),
        ),
        // It is in neither: in a variable, or another script.
        ("while true; do $server; done", Some(true)),
        (
            "run=/usr/bin/python3\nwhile true; do $run $arguments; done",
            Some(true),
        ),
        // The loop may call the function.
        (
            "start() { python3 -m http.server 8080; }\nwhile true; do start; done",
            Some(true),
        ),
        (
            "function start {\n python3 -m http.server 8080\n}\nwhile true; do start; done",
            Some(true),
        ),
        (
            "start()\n{\n python3 -m http.server 8080\n}\nwhile true; do start; done",
            Some(true),
        ),
        (
            "function f { date; }; while true; do python3 -m http.server 8080; done",
            Some(true),
        ),
        // The function runs something else.
        (
            "f() { date; }\npython3 -m http.server 8080 &\nwhile true; do f; sleep 1; done",
            Some(false),
        ),
    ] {
        assert_eq!(has_loop(script, &command), expected, "{script}");
    }
}

#[test]
fn a_loop_without_an_end_counts() {
    for script in [
        "while true; do ./server; sleep 1; done",
        "#!/bin/sh\nuntil ./server; do sleep 1; done",
        "cd /srv && while :\ndo\n./server\ndone",
        "(while true; do ./server; done) &",
        "run() { while sleep 1; do ./server; done; }\nrun",
        "if [ -x \"$server\" ]; then while true; do \"$server\"; done; fi",
        // A document without an end is none.
        "x=$((1<<EOF))\nwhile true; do ./server; done",
        "while true\n  ./server\nend",
        "for ((;;)); do ./server; done",
        "while ((1)); do ./server & wait; done",
        "((while true; do ./server; done) &)",
    ] {
        assert_eq!(found(script), Some(true), "{script}");
    }
}

/// "Yes" is for loops alone that start the server again; what is unclear is unknown.
#[test]
fn a_loop_that_may_start_it_again_is_unknown() {
    for script in [
        "for file in conf.d/*; do . $file; done\n./server",
        "for i in 1 2 3 4 5; do ./server; sleep 1; done",
        "for port in 1 2; do ./server & done; wait",
        "while read -r port; do ./server $port; done <ports",
        "while ./server; do sleep 1; done",
        "while [ -e run ]; do ./server & sleep 9; done",
        "while true; do ./server & sleep 1; curl -sf localhost && break; done",
        // One of them is the server.
        "./server &\nsleep 9; while true; do ./server; done",
        "if [ $again ]; then while true; do ./server; done; else ./server; fi",
        "start() { ./server; }\nretry start; while true; do sleep 1; done",
        "start() { ./server; start; }\nstart; while true; do sleep 1; done",
        // It can't be read.
        "while true; do { ./server; done",
    ] {
        assert_eq!(found(script), None, "{script}");
    }
}

/// They were unknown, because of a loop about something else.
#[test]
fn a_loop_that_reads_arguments_before_the_server_does_not_count() {
    for script in [
        "while getopts p: option; do port=$OPTARG; done\n./server",
        "while [ $# -gt 0 ]; do shift; done\n./server",
        "while [ \"$#\" -gt 0 ]; do shift; done\n./server",
        "while [ -n \"${1:-}\" ]; do shift; done\n./server",
        "while [[ ${#} -gt 0 ]]; do shift; done\n./server",
        "while (($#)); do shift; done\n./server",
        "while [ $# -gt 0 ]; do case \"$1\" in\n -p) port=$2; shift 2;;\n -h|--help) usage=1;;\n *) break;;\nesac; done\n./server",
        "while IFS= read -r line; do export \"$line\"; done < .env\n./server",
        "cat .env | while read line; do echo $line; done; ./server",
        "i=0; while [[ $i -lt 9 && -n $x ]]; do i=$((i+1)); x=$1; done 2>&1\n./server >log 2>&1",
        "args=(--port 1)\nfor one in a b; do mkdir -p $one; done; ./server $(hostname) \"${args[@]}\"",
    ] {
        assert_eq!(found(script), Some(false), "{script}");
    }
}

/// `while ! curl …` after the start of a server was a loop that starts it again, and the script was ended with it.
#[test]
fn a_loop_that_waits_for_the_server_does_not_start_it() {
    for script in [
        "./server & while ! curl -sf http://127.0.0.1:8080/ >/dev/null; do sleep 0.2; done; echo up; sleep 60",
        "./server &\nwhile ! test -e /never; do sleep 1; done",
        "./server &\nuntil curl -sf localhost; do sleep 1; done",
        "./server &\nwhile ! (echo >/dev/tcp/localhost/8080) 2>/dev/null; do sleep 1; done",
        "./server & pid=$!\nwhile kill -0 $pid; do sleep 1; done",
        "$server & until curl -sf localhost; do sleep 1; done",
        "./server & while true; do curl -sf localhost && break; sleep 1; done",
    ] {
        assert_eq!(found(script), Some(false), "{script}");
    }
    // One that runs it does.
    for script in [
        "while ! ./server; do sleep 1; done",
        "until /srv/server; do sleep 1; done &",
        "while [ -e run ]; do ./server 2>&1 | tee log; done",
    ] {
        assert_eq!(found(script), Some(true), "{script}");
    }
}

/// An endless loop that calls no function was the one that starts a server of a function.
#[test]
fn a_function_that_is_called_once_starts_it_once() {
    for script in [
        "serve(){ ./server 18465 r & }; serve; while true; do sleep 1; done",
        "function serve {\n ./server &\n}\nserve &\nwhile :; do date; sleep 1; done",
        "main() { serve; }\nserve() ( exec ./server )\nmain & while true; do wait; done",
    ] {
        assert_eq!(found(script), Some(false), "{script}");
    }
    for script in [
        "serve(){ ./server; }; while true; do serve; sleep 1; done",
        "serve(){ ./server & }; again() { while true; do serve; sleep 1; done; }; again",
    ] {
        assert_eq!(found(script), Some(true), "{script}");
    }
    let twice = "serve(){ ./server & }; serve; while true; do sleep 9; serve; done";
    assert_eq!(found(twice), None);
}

/// A loop that starts the server only if there is no file was one that starts it again.
#[test]
fn what_a_loop_runs_only_sometimes_is_unknown() {
    for script in [
        "while true; do if [ ! -e flag ]; then touch flag; ./server & fi; sleep 1; done",
        "while true; do pgrep server || ./server & sleep 1; done",
        "while true; do [ -e off ] || { ./server & }; sleep 1; done",
        "while true; do case $x in a) ./server;; esac; sleep 1; done",
        "start() { [ -e flag ] && ./server; }\nwhile true; do start; done",
    ] {
        assert_eq!(found(script), None, "{script}");
    }
    let after_folder = "while true; do cd /srv && ./server; sleep 1; done";
    assert_eq!(found(after_folder), Some(true));
}

/// Functions that call each other, and blocks in blocks: the time to read a script is limited.
#[test]
fn a_script_that_never_ends_to_call_itself_is_unknown() {
    let calls: String = (0..9000).map(|_| "f() { f; f; }; f\n").collect();
    let script = format!("{calls} g() {{ f g; ./server; }}; while g; do g; done");
    assert_eq!(found(&script), None);
    let deep = "( ".repeat(30_000) + "while true; do ./server; done";
    assert_eq!(found(&deep), None);
    let open = "x=$( ".repeat(10_000) + "while true; do ./server; done";
    assert_eq!(found(&open), None);
}

#[test]
fn a_word_in_a_text_is_not_a_loop() {
    for script in [
        "# while it runs\nexec ./server --forward",
        "./server # while true; do",
        "echo 'while true; do it; done'\n./server",
        "echo \"a\nwhile true; do\n\"\n./server",
        "echo wait a while\nwhilere=1 ./server --until",
        "cat <<EOF\nwhile true; do it; done\nEOF\n./server",
        "cat <<-'END' >x\n\tfor x in y\n\tEND\n./server",
        "echo \\\nwhile; ./server",
        "",
    ] {
        assert_eq!(found(script), Some(false), "{script}");
    }
}

/// Whatever a script is, there is an answer, and soon.
#[test]
fn any_text_has_an_answer() {
    const WORDS: [&str; 40] = [
        "while", "until", "for", "do", "done", "if", "then", "elif", "else", "fi", "case", "in",
        "esac", ";;", "a)", "(", ")", "{", "}", "f()", "f", "function", "((;;))", "((", "))", "[[",
        "]]", "true", "!", "&", "&&", "||", "|", "\n", ";", "srv", "$(", "`", "<<E\n", "'",
    ];
    let mut state = 0x9e37_79b9_u64;
    let mut below = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % limit
    };
    let mut answers = [0; 2];
    for _ in 0..20_000 {
        let words: Vec<_> = (0..below(40)).map(|_| WORDS[below(WORDS.len())]).collect();
        let answer = has_loop(&words.join(" "), &["srv".to_owned()]);
        answers[usize::from(answer.is_none())] += 1;
    }
    assert!(answers.iter().all(|&count| count > 10), "{answers:?}");
    let deep = "while true; do (".repeat(20_000);
    assert_eq!(has_loop(&deep, &["srv".to_owned()]), None);
}
