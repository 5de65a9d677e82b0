# An image of busybox that serves its name over HTTP, as a tar on standard output: `/serve` ends at TERM,
# `httpd -f -h /www` alone does not, being process 1 without a handler. `sh image.sh FOLDER UDP-HELPER`.
set -eu
tree=$1/image
if [ ! -d "$tree" ]; then
  mkdir -p "$tree.new/bin" "$tree.new/www" "$tree.new/etc" "$tree.new/tmp" "$tree.new/proc" "$tree.new/dev" "$tree.new/sys"
  cp /bin/busybox "$tree.new/bin/busybox"
  for applet in sh httpd sleep cat echo hostname trap wait ls ps kill; do
    ln -s busybox "$tree.new/bin/$applet"
  done
  echo root:x:0:0:root:/:/bin/sh >"$tree.new/etc/passwd"
  cp "$2" "$tree.new/bin/answers_udp"
  cat >"$tree.new/serve" <<'SERVE'
#!/bin/sh
trap 'exit 0' TERM INT
echo "the container $(hostname)" >/www/index.html
httpd -f -p "${PORT:-80}" -h /www &
[ -z "${UDP:-}" ] || answers_udp "$UDP" "the container" &
wait
wait
SERVE
  chmod 755 "$tree.new/serve"
  echo "the container" >"$tree.new/www/index.html"
  mv "$tree.new" "$tree"
fi
tar -C "$tree" -c .
