//! Examples of each command, for its help and its man page.

pub const LIST: &str = "\
Examples:
  sockeye list                          what listens or is bound
  sockeye list -l :5432                 who listens on 5432
  sockeye list user:ann state:time_wait
  sockeye list --columns port,process,command --sort process
  sockeye list --ndjson | jq -c '[.socket.local.port, .processes[].name]'
  sockeye list -q :5432 && echo something has it";

pub const WATCH: &str = "\
Examples:
  sockeye watch -l :8000-8999           who opens and closes these ports
  sockeye watch --json --changes-only | jq -c '{at, kind, port: .socket.local.port}'";

pub const CHECK: &str = "\
Examples:
  sockeye check 8080                    can it be bound, and if not, why
  sockeye check -q 3000-3010 && echo all of them
  sockeye check 53/udp '[::1]:8080' https
  sockeye check /run/app.sock           who listens there, or what is left";

pub const FREE: &str = "\
Examples:
  port=$(sockeye free)                  one that TCP and UDP have free
  sockeye free 3000-3010                the first of these
  sockeye free 8000-8999 -- ./server    a server that takes the socket from us
  sockeye free --hold -- python3 -m http.server '{}'
                                        one that binds by itself";

pub const WAIT: &str = "\
Examples:
  sockeye wait 8080 --timeout 30 && curl localhost:8080
  sockeye wait 5432 6379                until something listens on both
  sockeye wait 8080 --for free && ./server";

pub const CONFIG: &str = "\
Examples:
  file=$(sockeye config --path)
  [ -e \"$file\" ] || { mkdir -p \"${file%/*}\" && sockeye config >\"$file\"; }
                                        a file to begin with
  sockeye --config ./sockeye.toml       another one";
