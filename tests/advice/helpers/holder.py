"""A server on a port that does what its words say: `holder.py PORT [WORD…]`.

ignore: ignores TERM · block: blocks TERM
share: sets SO_REUSEPORT · heir: leaves its listener to a `sleep`
uninterruptible: waits in the kernel, state D, with a handler for TERM · agent: runs what a fifo says
activated: takes the listener of a socket unit · child: a child that ends last has the listener too
udp: a datagram socket · group: joins 224.0.0.251, shared with others · address=A: not every address
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys

port, words = int(sys.argv[1]), sys.argv[2:]
address = next((word[8:] for word in words if word.startswith("address=")), "0.0.0.0")
kind = socket.SOCK_DGRAM if "udp" in words else socket.SOCK_STREAM
server = socket.socket(fileno=3) if "activated" in words else socket.socket(socket.AF_INET, kind)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM or "group" in words)
if "share" in words:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
if "activated" not in words:
    server.bind((address, port))
    if kind == socket.SOCK_STREAM:
        server.listen(16)
if "group" in words:
    group = socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1")
    server.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
if "ignore" in words:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "block" in words:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
if "heir" in words:
    subprocess.Popen(["sleep", "1000"], pass_fds=[server.fileno()])
if "uninterruptible" in words:
    signal.signal(signal.SIGTERM, lambda *_: None)
    library = ctypes.CDLL(None)
    # The parent of a vfork waits in state D until the child is gone. The child keeps no socket.
    clone = 56
    flags = 0x4000 | signal.SIGCHLD
    if library.syscall(clone, flags, 0, 0, 0, 0) == 0:
        os.close(server.fileno())
        while True:
            signal.pause()


def answer():
    if kind == socket.SOCK_DGRAM:
        _, client = server.recvfrom(256)
        server.sendto(b"the holder", client)
        return
    client, _ = server.accept()
    client.recv(256)
    client.sendall(b"the holder")
    client.close()


if "agent" in words:
    # What is written to `FIFO` is run below this process; what it prints goes to `FIFO.out`.
    fifo = words[words.index("agent") + 1]
    while True:
        with open(fifo) as lines:
            line = lines.read()
        with open(fifo + ".out", "w") as out:
            subprocess.run(["sh", "-c", line], stdout=out, stdin=subprocess.DEVNULL)
while True:
    answer()
