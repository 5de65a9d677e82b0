// The same as binder.c, as Java does it: its sockets are dual-stack ones of IPv6, on an IPv4 address too.
import java.io.*;
import java.net.*;

public class Binder {
    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        Closeable kept = null;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (kept != null) kept.close();
            kept = null;
            String[] words = line.trim().split("\\s+");
            if (words.length != 6) {
                System.out.println("closed");
                continue;
            }
            InetSocketAddress local = new InetSocketAddress(words[1], Integer.parseInt(words[2]));
            boolean reuses = words[4].equals("1");
            try {
                if (words[0].equals("tcp")) {
                    ServerSocket server = new ServerSocket();
                    kept = server;
                    server.setReuseAddress(reuses);
                    server.bind(local);
                } else {
                    DatagramSocket socket = new DatagramSocket(null);
                    kept = socket;
                    socket.setReuseAddress(reuses);
                    socket.bind(local);
                }
                System.out.println("ok");
            } catch (SocketException error) {
                kept.close();
                kept = null;
                String text = error.getMessage();
                System.out.println(
                    text.contains("already in use") ? "EADDRINUSE"
                    : text.contains("Permission denied") ? "EACCES"
                    : text.contains("Cannot assign") ? "EADDRNOTAVAIL" : text);
            }
        }
    }
}
