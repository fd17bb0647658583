package dev.postern.runtime.rig;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

/**
 * An origin on a plain socket that records the requests it gets, byte for byte, and answers by a script that may do anything
 * with the socket. A thread for each connection.
 */
public final class RawOrigin implements AutoCloseable {
    /** Answers one request. */
    public interface Script {
        /** Returns whether the connection goes on. */
        boolean answer(Received request, InputStream in, OutputStream out, Socket socket) throws Exception;
    }

    /** A request as received. */
    public record Received(int connection, String head, byte[] body) {
        /** The request line. */
        public String line() {
            return head.substring(0, head.indexOf("\r\n"));
        }

        /** The first value of a header, or null. */
        public String header(String name) {
            for (String line : head.split("\r\n")) {
                if (line.regionMatches(true, 0, name + ":", 0, name.length() + 1)) {
                    return line.substring(name.length() + 1).strip();
                }
            }
            return null;
        }

        /** All values of a header, in order. */
        public List<String> headers(String name) {
            return head.lines()
                    .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .toList();
        }

        /** The body as text. */
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    private final ServerSocket server;
    private final Script script;
    private final List<Received> received = new CopyOnWriteArrayList<>();
    private final Map<Socket, Boolean> open = new ConcurrentHashMap<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger surplus = new AtomicInteger();
    private volatile int most = Integer.MAX_VALUE;
    private volatile boolean forgetful;

    private RawOrigin(int port, Script script) throws IOException {
        this(new ServerSocket(port, 200, InetAddress.getByName("127.0.0.1")), script);
    }

    private RawOrigin(ServerSocket server, Script script) {
        this.server = server;
        this.script = script;
        thread("origin-accept", this::accept);
    }

    /** Answers by a script. */
    public static RawOrigin answering(Script script) throws IOException {
        return new RawOrigin(0, script);
    }

    /** The same on a port that was free a moment ago. */
    public static RawOrigin on(int port, Script script) throws IOException {
        return new RawOrigin(port, script);
    }

    /** Speaks TLS. */
    public static RawOrigin secure(SSLContext context, Script script) throws IOException {
        return new RawOrigin(
                context.getServerSocketFactory().createServerSocket(0, 200, InetAddress.getByName("127.0.0.1")),
                script);
    }

    /** Speaks TLS and demands a certificate that the context believes. */
    public static RawOrigin secureAsking(SSLContext context, Script script) throws IOException {
        SSLServerSocket server = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 200, InetAddress.getByName("127.0.0.1"));
        server.setNeedClientAuth(true);
        return new RawOrigin(server, script);
    }

    /** Always 200 with this text. */
    public static RawOrigin saying(String text) throws IOException {
        return answering(ok(text));
    }

    /** A script that always answers 200 with this text and keeps the connection. */
    public static Script ok(String text) {
        byte[] bytes = ("HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\nX-Origin: raw\r\n\r\n" + text)
                .getBytes(StandardCharsets.UTF_8);
        byte[] head = ("HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\nX-Origin: raw\r\n\r\n")
                .getBytes(StandardCharsets.UTF_8);
        return (request, in, out, socket) -> {
            out.write(request.head().startsWith("HEAD ") ? head : bytes);
            return true;
        };
    }

    /** Writes these bytes and ends the connection. */
    public static Script lastBytes(String response) {
        return (request, in, out, socket) -> {
            out.write(response.getBytes(StandardCharsets.ISO_8859_1));
            return false;
        };
    }

    /** Answers 200 with the body it was sent. */
    public static Script echo() {
        return (request, in, out, socket) -> {
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + request.body().length + "\r\n\r\n")
                    .getBytes(StandardCharsets.ISO_8859_1));
            if (!request.head().startsWith("HEAD ")) {
                out.write(request.body());
            }
            return true;
        };
    }

    /** Writes these bytes and goes on. */
    public static Script bytes(String response) {
        return (request, in, out, socket) -> {
            out.write(response.getBytes(StandardCharsets.ISO_8859_1));
            return true;
        };
    }

    /** Its address: {@code http://127.0.0.1:4711}. */
    public String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** Its port. */
    public int port() {
        return server.getLocalPort();
    }

    /** All requests so far. */
    public List<Received> received() {
        return received;
    }

    /** Keeps no request, for runs of many thousand. */
    public RawOrigin keepNothing() {
        forgetful = true;
        return this;
    }

    /** Connections accepted so far. */
    public int connections() {
        return connections.get();
    }

    /** Connections open now. */
    public int open() {
        return open.size();
    }

    /** Counts connections that come while so many others stay open; one that is just closing is waited for. */
    public void watchMoreThan(int connections) {
        most = connections;
    }

    /** Connections beyond what {@link #watchMoreThan} allows. */
    public int surplus() {
        return surplus.get();
    }

    private void judgeNumber() {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(500);
        while (open.size() > most) {
            if (System.nanoTime() > deadline) {
                surplus.incrementAndGet();
                return;
            }
            LockSupport.parkNanos(100_000);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : open.keySet()) {
            socket.close();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                socket.setTcpNoDelay(true);
                int number = connections.incrementAndGet();
                open.put(socket, true);
                judgeNumber();
                thread("origin-" + number, () -> serve(number, socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(int number, Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            while (true) {
                String head = head(in);
                if (head == null) {
                    return;
                }
                Received bare = new Received(number, head, new byte[0]);
                byte[] body = new byte[0];
                String length = bare.header("Content-Length");
                boolean streams = bare.header("X-Script-Reads-Body") != null;
                if (length != null && !streams) {
                    body = in.readNBytes(Integer.parseInt(length));
                } else if (bare.header("Transfer-Encoding") != null && !streams) {
                    body = chunks(in);
                }
                Received request = new Received(number, head, body);
                if (!forgetful) {
                    received.add(request);
                }
                if (!script.answer(request, in, socket.getOutputStream(), socket)) {
                    return;
                }
                socket.getOutputStream().flush();
            }
        } catch (Exception broken) {
            // The gateway may cut a connection at any time: that is what some tests are about.
        } finally {
            open.remove(socket);
        }
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.length() < 4 || !text.substring(text.length() - 4).equals("\r\n\r\n")) {
            int c = in.read();
            if (c < 0) {
                return null;
            }
            text.append((char) c);
        }
        return text.toString();
    }

    private static byte[] chunks(InputStream in) throws IOException {
        java.io.ByteArrayOutputStream body = new java.io.ByteArrayOutputStream();
        while (true) {
            StringBuilder size = new StringBuilder();
            for (int c = in.read(); c != '\n'; c = in.read()) {
                if (c < 0) {
                    throw new IOException("ended within a chunked body");
                }
                size.append((char) c);
            }
            int bytes = Integer.parseInt(size.toString().strip(), 16);
            body.writeBytes(in.readNBytes(bytes));
            in.readNBytes(2);
            if (bytes == 0) {
                return body.toByteArray();
            }
        }
    }

    private static void thread(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }
}
