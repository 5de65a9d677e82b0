# An image of busybox that serves its name over HTTP, as a tar on standard output: `/serve` ends at TERM,
# `httpd -f -h /www` alone does not, being process 1 without a handler. `sh image.sh NEW-FOLDER UDP-HELPER`.
set -eu
mkdir -p "$1"
cd "$1"
mkdir bin www etc tmp proc dev sys run
cp /bin/busybox bin/busybox
for applet in sh httpd sleep cat hostname ls ps kill; do
  ln -s busybox "bin/$applet"
done
cp "$2" bin/answers_udp
echo root:x:0:0:root:/:/bin/sh >etc/passwd
echo "the container" >www/index.html
cat >serve <<'SERVE'
#!/bin/sh
trap 'exit 0' TERM INT
echo "the container $(hostname)" >/www/index.html
httpd -f -p "${PORT:-80}" -h /www &
[ -z "${UDP:-}" ] || answers_udp "$UDP" "the container" &
wait
wait
SERVE
chmod 755 serve
tar -c .
