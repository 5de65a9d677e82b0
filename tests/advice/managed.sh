# A stage whose first process is systemd: `sh managed.sh COMMAND…`, on the stage of stage.sh. It has namespaces
# of pids, mounts and cgroups of its own below that; the command runs in a service of it, with its output,
# environment (what begins with SOCKEYE_ and RUST_) and exit status handed through.
set -eu

# What would change the kernel's own settings, which are the machine's, or takes long.
for unit in systemd-sysctl systemd-modules-load systemd-udevd systemd-udev-trigger systemd-random-seed \
  systemd-timesyncd systemd-binfmt systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-remount-fs; do
  ln -sf /dev/null "/etc/systemd/system/$unit.service"
done
for mount in proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount; do
  ln -sf /dev/null "/etc/systemd/system/$mount"
done
# Where it keeps what lasts: lingering users, timers.
mount -t tmpfs -o mode=755 tmpfs /var/lib/systemd
mkdir -p /run/systemd/system
cat >/run/systemd/system/stage.target <<END
[Unit]
Requires=basic.target dbus.service systemd-logind.service
After=basic.target dbus.service systemd-logind.service
AllowIsolate=yes
END

# systemd makes its groups below the one that it begins in: in the second version that one may hold nobody else.
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
  mkdir /sys/fs/cgroup/managed
  echo $$ >/sys/fs/cgroup/managed/cgroup.procs
  groups='umount /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup;'
else
  groups=
fi
unshare --mount --pid --cgroup --fork --kill-child --mount-proc \
  env -i container=stage PATH="$PATH" sh -c "$groups exec /lib/systemd/systemd --unit=stage.target" \
  >/run/stage/systemd.log 2>&1 &
outer=$!
systemd=
while kill -0 $outer && [ ! -S /run/systemd/private ]; do
  sleep 0.05
done
systemd=$(cat /proc/$outer/task/$outer/children)
systemd=${systemd% }
inside() {
  nsenter --target "$systemd" --mount --pid --cgroup -- "$@"
}
inside systemctl is-system-running --wait >/dev/null || true

set -- --pipe --wait --collect --quiet --unit=stage-test --property=KillMode=process -- "$@"
for variable in $(env | sed -n 's/^\(\(SOCKEYE\|RUST\)_[A-Z_]*\)=.*/\1/p') PATH; do
  set -- "--setenv=$variable" "$@"
done
status=0
inside systemd-run "$@" || status=$?
[ -z "${SOCKEYE_ADVICE_LOG:-}" ] || inside journalctl --no-pager --output short-precise
[ $status = 0 ] || cat /run/stage/systemd.log
exit $status
