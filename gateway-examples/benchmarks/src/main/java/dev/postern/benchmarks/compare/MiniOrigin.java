package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An origin on plain sockets that answers each request with 200 bytes ending in {@code ~}, whatever was asked. */
final class MiniOrigin implements AutoCloseable {
    private static final byte[] ANSWER = ("HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
                    + "Content-Type: application/json\r\nCache-Control: no-store\r\nETag: \"abc\"\r\n"
                    + "Content-Length: 200\r\n\r\n" + "x".repeat(198) + "~\n")
            .getBytes(StandardCharsets.US_ASCII);
    private static final Pattern LENGTH = Pattern.compile("\r\ncontent-length: *([0-9]+)", Pattern.CASE_INSENSITIVE);

    private final ServerSocket server = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());

    MiniOrigin() throws IOException {
        daemon("origin", this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    private static void daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                daemon("origin-connection", () -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private static void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = socket.getInputStream();
            byte[] bytes = new byte[8192];
            int end = 0;
            for (int read = in.read(bytes); read >= 0; read = in.read(bytes, end, bytes.length - end)) {
                end += read;
                if (isWhole(new String(bytes, 0, end, StandardCharsets.US_ASCII))) {
                    socket.getOutputStream().write(ANSWER);
                    end = 0;
                }
            }
        } catch (IOException gone) {
            // The proxy closed the connection: that is how it ends.
            return;
        }
    }

    private static boolean isWhole(String message) {
        int body = message.indexOf("\r\n\r\n") + 4;
        if (body < 4) {
            return false;
        }
        Matcher length = LENGTH.matcher(message);
        return !length.find() || message.length() - body >= Integer.parseInt(length.group(1));
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
