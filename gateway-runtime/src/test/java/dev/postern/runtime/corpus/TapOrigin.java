package dev.postern.runtime.corpus;

import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** An origin that keeps every byte it gets, reads them strictly, and answers each complete request with 200. */
final class TapOrigin implements AutoCloseable {
    /** A request and the bytes that it was. */
    record Tapped(Seen seen, byte[] bytes) {}

    private final ServerSocket server = new ServerSocket(0, 200, InetAddress.getByName("127.0.0.1"));
    private final Map<Socket, Boolean> open = new ConcurrentHashMap<>();
    private final List<Tapped> complete = new CopyOnWriteArrayList<>();
    private final List<String> broken = new CopyOnWriteArrayList<>();
    private final AtomicInteger heads = new AtomicInteger();

    TapOrigin() throws IOException {
        Thread thread = new Thread(this::accept, "tap-accept");
        thread.setDaemon(true);
        thread.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** Complete requests since the last call. */
    List<Tapped> taken() {
        List<Tapped> all = new ArrayList<>(complete);
        complete.removeAll(all);
        return all;
    }

    /** What was begun and never completed, since the last call, in words. */
    List<String> broken() {
        List<String> all = new ArrayList<>(broken);
        broken.removeAll(all);
        return all;
    }

    /** Heads so far. */
    int heads() {
        return heads.get();
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
                open.put(socket, true);
                Thread thread = new Thread(() -> serve(socket), "tap");
                thread.setDaemon(true);
                thread.start();
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        Recording in = null;
        try (socket) {
            in = new Recording(socket.getInputStream());
            while (true) {
                Seen seen = Seen.read(in, heads::incrementAndGet);
                if (seen == null) {
                    return;
                }
                complete.add(new Tapped(seen, in.kept.toByteArray()));
                in.kept.reset();
                String answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                        + (seen.method().equals("HEAD") ? "" : "ok");
                socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
            }
        } catch (IOException cut) {
            if (in != null && in.kept.size() > 0) {
                broken.add(cut + " in " + in.kept.toString(StandardCharsets.ISO_8859_1));
            }
        } finally {
            open.remove(socket);
        }
    }

    /** Reads ahead nothing and keeps what was read. */
    private static final class Recording extends FilterInputStream {
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

        Recording(InputStream in) {
            super(new java.io.BufferedInputStream(in));
        }

        @Override
        public int read() throws IOException {
            int c = in.read();
            if (c >= 0) {
                kept.write(c);
            }
            return c;
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            int count = in.read(bytes, from, length);
            if (count > 0) {
                kept.write(bytes, from, count);
            }
            return count;
        }
    }
}
