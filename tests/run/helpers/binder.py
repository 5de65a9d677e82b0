# The same as binder.c, as Python does it.
import errno, socket, sys

kept = None
for line in sys.stdin:
    if kept:
        kept.close()
    kept = None
    words = line.split()
    if len(words) != 6:
        print("closed", flush=True)
        continue
    kind, address = words[:2]
    port, v6only, reuse_address, reuse_port = map(int, words[2:])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    stream = kind == "tcp"
    kept = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse_address)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse_port)
    try:
        kept.bind((address, port))
        if stream:
            kept.listen()
        print("ok", flush=True)
    except OSError as error:
        kept.close()
        kept = None
        print(errno.errorcode[error.errno], flush=True)
