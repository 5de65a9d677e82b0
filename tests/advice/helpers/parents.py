"""Parents of servers: `parents.py restart COMMAND…` starts the command again when it ends,
`parents.py workers PORT` leaves a listener to two children and waits for them."""

import os
import socket
import subprocess
import sys
import time

if sys.argv[1] == "restart":
    while True:
        subprocess.run(sys.argv[2:])
        time.sleep(0.2)

server = socket.create_server(("0.0.0.0", int(sys.argv[2])))
for _ in range(2):
    if os.fork() == 0:
        while True:
            client, _ = server.accept()
            client.recv(256)
            client.sendall(b"the holder")
            client.close()
os.wait()
