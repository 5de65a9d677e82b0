# The machine that a test of advice runs on: `sh stage.sh outer FOLDER -- COMMAND…`. Namespaces of pids,
# mounts, network and cgroups of its own; /etc is a copy, /run, /home, /root, /tmp and the engines' folders are
# empty and in memory, so that everything is gone with the last process. Inside stand the users ann (may
# use sudo), bob (may not) and dora (group docker), and a network namespace `outside` at the other end of
# a cable. FOLDER is where the machine's parts are put together before they are mounted.
set -eu

outer() {
  name="advice-$$"
  groups=$(awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/self/mounts)
  came_from=$(sed -n 's/^0:://p' /proc/self/cgroup)
  for group in $groups; do
    mkdir "$group/$name" 2>/dev/null || continue
    # A cpuset takes a process only once it has processors and memory.
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$group/$file" ] || cat "$group/$file" >"$group/$name/$file" 2>/dev/null || true
    done
    echo $$ >"$group/$name/cgroup.procs" 2>/dev/null || true
  done
  setpriv --pdeathsig KILL unshare --mount --net --pid --cgroup --fork --kill-child sh "$0" inner "$@" &
  stage=$!
  make_way "$stage"
  status=0
  wait "$stage" || status=$?
  [ ! -e "$1.log" ] || { cat "$1.log" && rm "$1.log"; }
  for group in $groups; do
    echo $$ >"$group$came_from/cgroup.procs" 2>/dev/null || echo $$ >"$group/cgroup.procs" 2>/dev/null || true
    [ ! -d "$group/$name" ] || find "$group/$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  exit $status
}

# In the second version a group that shares controllers out may hold no process itself: once the stage
# has its root there, we and the parent of its first process leave for a group below.
make_way() {
  for group in $groups; do
    [ "$(stat -f -c %T "$group")" = cgroup2fs ] || continue
    while kill -0 "$1" 2>/dev/null && [ ! -d "$group/$name/init" ]; do
      sleep 0.02
    done
    mkdir "$group/$name/outer" 2>/dev/null || continue
    for pid in $$ "$1"; do
      echo "$pid" >"$group/$name/outer/cgroup.procs" 2>/dev/null || true
    done
  done
}

inner() {
  folder=$1
  shift 2
  mounts
  users
  network
  [ "${SOCKEYE_STAGE_INIT:-}" != systemd ] || by_systemd "$@"
  # Not `exec`: the shell stays as process 1 and takes in what loses its parent.
  "$@"
}

# Process 1 is a real service manager; it runs the command as a service, prints what that printed to
# FOLDER.log and exits with its status. It stops no units first: with many mounts changing, that was seen to wait for ever.
by_systemd() {
  units=/run/systemd/system
  mkdir -p $units
  env >/run/stage/environment
  cat >$units/stage.target <<UNIT
[Unit]
Requires=basic.target dbus.service stage.service
Wants=systemd-logind.service
After=basic.target dbus.service systemd-logind.service
AllowIsolate=yes
UNIT
  cat >$units/stage.service <<UNIT
[Unit]
After=basic.target dbus.service systemd-logind.service
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=exec
EnvironmentFile=/run/stage/environment
WorkingDirectory=$PWD
ExecStart=$*
StandardOutput=file:$folder.log
StandardError=inherit
KillMode=mixed
TimeoutStopSec=2
UNIT
  # What is of no use here, or belongs to the machine outside.
  for unit in systemd-udevd systemd-modules-load systemd-sysctl systemd-binfmt systemd-random-seed \
    systemd-networkd systemd-timesyncd e2scrub_reap apparmor ifupdown-pre networking; do
    ln -s /dev/null "$units/$unit.service"
  done
  echo >/etc/fstab
  mount -t tmpfs tmpfs /var/lib/systemd
  exec env -i container=stage PATH="$PATH" /lib/systemd/systemd --system --unit=stage.target \
    --log-target=null --show-status=no
}

mounts() {
  mount --make-rprivate /
  controllers=$(cut -d: -f2 /proc/self/cgroup)
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  # `SOCKEYE_STAGE_CGROUP=2` has the second version alone also where the first one is mounted.
  if [ "${SOCKEYE_STAGE_CGROUP:-}" = 2 ] || [ "$(echo "$controllers" | grep -c .)" = 0 ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    in_second_version /sys/fs/cgroup
  else
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    for one in $controllers; do
      directory=/sys/fs/cgroup/${one#name=}
      mkdir "$directory"
      case $one in name=*) one=none,$one ;; esac
      mount -t cgroup -o "$one" cgroup "$directory"
    done
    mkdir /sys/fs/cgroup/unified
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
    mkdir /sys/fs/cgroup/unified/init
  fi
  mount -t tmpfs -o mode=755 tmpfs "$folder"
  cp -a /etc "$folder/etc"
  mount --bind "$folder/etc" /etc
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock /run/user /run/stage
  # The report stays outside, where this machine's own folders hide it.
  if [ -n "${SOCKEYE_ADVICE_REPORT:-}" ]; then
    mkdir -p "$SOCKEYE_ADVICE_REPORT" /run/stage/report
    mount --bind "$SOCKEYE_ADVICE_REPORT" /run/stage/report
  fi
  [ "$(readlink -f /var/run)" = /run ] || mount --bind /run /var/run
  # FOLDER is in `tmp` of the folder of builds.
  kept="$PWD $(dirname "$(dirname "$folder")")"
  for one in $kept; do
    mkdir -p "/run/stage/kept$one"
    mount --bind "$one" "/run/stage/kept$one"
  done
  for one in /home /root /var/log /var/lib/docker /var/lib/containerd /var/lib/containers /var/lib/cni /var/lib/lxc; do
    mkdir -p "$one"
    mount -t tmpfs -o mode=755 tmpfs "$one"
  done
  mount -t tmpfs -o mode=1777 tmpfs /tmp
  # A checkout may be in a folder that is empty now, or one that only its owner may enter.
  for one in $kept; do
    [ ! -d "$one" ] || continue
    mkdir -p "$one"
    mount --bind "/run/stage/kept$one" "$one"
  done
  cd "$PWD"
  # Ordinary users start rootless containers: devices of this machine's own that they may open.
  for device in net/tun:200 fuse:229; do
    node="/run/stage/${device##*:}"
    [ ! -e "/dev/${device%:*}" ] || { mknod -m 666 "$node" c 10 "${device##*:}" && mount --bind "$node" "/dev/${device%:*}"; }
  done
}

# Shares out every controller, which takes a root without a process.
in_second_version() {
  mkdir "$1/init"
  for pid in 1 $$; do
    echo "$pid" >"$1/init/cgroup.procs"
  done
  # Processes outside of the stage are 0 here; they leave by themselves, see `make_way`.
  tries=0
  while [ -n "$(cat "$1/cgroup.procs")" ] && [ $tries -lt 250 ]; do
    tries=$((tries + 1))
    sleep 0.02
  done
  for one in $(cat "$1/cgroup.controllers"); do
    echo "+$one" >"$1/cgroup.subtree_control" 2>/dev/null || true
  done
}

users() {
  getent group docker >/dev/null || groupadd -r docker
  id=20001
  for name in ann bob dora; do
    useradd -m -u "$id" -s /bin/bash "$name"
    install -d -m 700 -o "$name" -g "$name" "/run/user/$id"
    grep -q "^$name:" /etc/subuid || echo "$name:$((id * 100000)):65536" >>/etc/subuid
    grep -q "^$name:" /etc/subgid || echo "$name:$((id * 100000)):65536" >>/etc/subgid
    id=$((id + 1))
  done
  usermod -aG docker dora
  mkdir -p /etc/sudoers.d
  echo 'ann ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann
  chmod 440 /etc/sudoers.d/ann
  grep -q "[[:space:]]$(hostname)\$" /etc/hosts || echo "127.0.0.1 $(hostname)" >>/etc/hosts
}

network() {
  ip link set lo up
  ip netns add outside
  ip link add cable type veth peer name cable netns outside
  for end in "1 ip" "2 ip -n outside"; do
    set -- $end
    address=$1
    shift
    "$@" link set lo up
    "$@" address add "192.0.2.$address/24" dev cable
    "$@" -6 address add "2001:db8::$address/64" dev cable nodad
    "$@" link set cable up
  done
  # pasta takes its addresses from where the default route leads.
  ip route add default via 192.0.2.2
  ip -6 route add default via 2001:db8::2
}

step=$1
shift
"$step" "$@"
