package dev.postern.runtime.rig;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A client that sends exactly the bytes it is told and reads exactly the bytes it gets. Waits at most ten seconds. */
public final class RawClient implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;

    /** Connects over loopback. */
    public RawClient(int port) throws IOException {
        this(new Socket("127.0.0.1", port));
    }

    /** Speaks over this socket. */
    public RawClient(Socket socket) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(10_000);
        socket.setTcpNoDelay(true);
        in = socket.getInputStream();
    }

    /** Sends text as ISO-8859-1. */
    public RawClient send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
        return this;
    }

    /** Sends bytes. */
    public RawClient send(byte[] bytes, int offset, int length) throws IOException {
        socket.getOutputStream().write(bytes, offset, length);
        socket.getOutputStream().flush();
        return this;
    }

    /** Sends a request with these header lines and, when it is not empty, this body with its length. */
    public RawClient request(String method, String target, String body, String... lines) throws IOException {
        StringBuilder text = new StringBuilder(method + " " + target + " HTTP/1.1\r\n");
        boolean host = false;
        for (String line : lines) {
            text.append(line).append("\r\n");
            host |= line.regionMatches(true, 0, "host:", 0, 5);
        }
        if (!host) {
            text.append("Host: localhost\r\n");
        }
        if (!body.isEmpty()) {
            text.append("Content-Length: ").append(body.length()).append("\r\n");
        }
        return send(text.append("\r\n").append(body).toString());
    }

    /** Reads one byte; -1 at the end. */
    public int readByte() throws IOException {
        return in.read();
    }

    /** What can be read without waiting. */
    public int available() throws IOException {
        return in.available();
    }

    /** The stream from the server. */
    public InputStream in() {
        return in;
    }

    /** A GET with a Host. */
    public RawClient get(String target) throws IOException {
        return send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }

    /** Reads one response, its body by its framing. */
    public Answer read() throws IOException {
        return read(false);
    }

    /** Reads the response to a HEAD. */
    public Answer readHead() throws IOException {
        return read(true);
    }

    /** Whether the other side has ended the connection; waits for it. */
    public boolean isAtEnd() throws IOException {
        try {
            return in.read() < 0;
        } catch (java.net.SocketException reset) {
            return true;
        }
    }

    /** Reads up to {@code max} bytes, fewer at the end. */
    public int skip(int max) throws IOException {
        return in.readNBytes(max).length;
    }

    /** The socket. */
    public Socket socket() {
        return socket;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private Answer read(boolean head) throws IOException {
        String status = line();
        List<String> lines = new ArrayList<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            lines.add(line);
        }
        int code = Integer.parseInt(status.split(" ")[1]);
        Answer bare = new Answer(code, lines, new byte[0], true);
        if (code < 200) {
            return bare;
        }
        if (head || code == 204 || code == 304) {
            return bare;
        }
        String length = bare.header("content-length");
        if (length != null) {
            byte[] body = upTo(Integer.parseInt(length));
            return new Answer(code, lines, body, body.length == Integer.parseInt(length));
        }
        if ("chunked".equalsIgnoreCase(bare.header("transfer-encoding"))) {
            return chunked(code, lines);
        }
        return new Answer(code, lines, in.readAllBytes(), true);
    }

    /** Reads so many bytes, fewer when the connection ends or is reset before. */
    private byte[] upTo(int length) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        byte[] part = new byte[64 * 1024];
        try {
            while (body.size() < length) {
                int read = in.read(part, 0, Math.min(part.length, length - body.size()));
                if (read < 0) {
                    break;
                }
                body.write(part, 0, read);
            }
        } catch (java.net.SocketException reset) {
            return body.toByteArray();
        }
        return body.toByteArray();
    }

    private Answer chunked(int code, List<String> lines) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try {
            while (true) {
                int size = Integer.parseInt(line().split(";")[0].trim(), 16);
                byte[] chunk = upTo(size);
                body.writeBytes(chunk);
                if (chunk.length < size) {
                    return new Answer(code, lines, body.toByteArray(), false);
                }
                String end = line();
                if (size == 0) {
                    List<String> trailers = new ArrayList<>();
                    while (!end.isEmpty()) {
                        trailers.add(end);
                        end = line();
                    }
                    return new Answer(code, lines, body.toByteArray(), true, trailers);
                }
            }
        } catch (EOFException | java.net.SocketException cut) {
            return new Answer(code, lines, body.toByteArray(), false);
        }
    }

    private String line() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the connection ended after: " + text);
            }
            if (c != '\r') {
                text.append((char) c);
            }
        }
        return text.toString();
    }

    /**
     * A response as received.
     *
     * @param lines the header lines
     * @param complete whether the body came to its end
     */
    public record Answer(int status, List<String> lines, byte[] body, boolean complete, List<String> trailers) {
        Answer(int status, List<String> lines, byte[] body, boolean complete) {
            this(status, lines, body, complete, List.of());
        }

        /** The first value of a header, or null. */
        public String header(String name) {
            String prefix = name.toLowerCase(Locale.ROOT) + ":";
            return lines.stream()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(prefix))
                    .map(line -> line.substring(prefix.length()).strip())
                    .findFirst()
                    .orElse(null);
        }

        /** All values of a header, in order. */
        public List<String> headers(String name) {
            String prefix = name.toLowerCase(Locale.ROOT) + ":";
            return lines.stream()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(prefix))
                    .map(line -> line.substring(prefix.length()).strip())
                    .toList();
        }

        /** The body as text. */
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            return status + " " + lines + " " + text() + (complete ? "" : " (incomplete)");
        }
    }
}
