package dev.postern.runtime.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A real HTTP/1.1 server of the {@link Garden} that notes each request as it understood it. It gets bytes over a socket, and
 * behind them one request more, which shows where it thinks the first one ended.
 */
abstract class Plant {
    static final Seen LAST = new Seen("GET", "/last", "garden", List.of(), new byte[0]);
    static final byte[] LAST_BYTES =
            "GET /last HTTP/1.1\r\nHost: garden\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int PATIENCE_MILLIS = 10_000;

    private final String name;
    private final List<Seen> seen = new CopyOnWriteArrayList<>();

    Plant(String name) {
        this.name = name;
    }

    /** The port it listens on. */
    abstract int port();

    abstract void stop() throws Exception;

    final void note(String method, String target, String host, byte[] body) {
        seen.add(new Seen(method, target, host == null ? "" : host, List.of(), body));
    }

    /** What it makes of these bytes and the last request behind them. */
    List<Seen> see(byte[] bytes) throws IOException {
        seen.clear();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.setTcpNoDelay(true);
            byte[] both = new byte[bytes.length + LAST_BYTES.length];
            System.arraycopy(bytes, 0, both, 0, bytes.length);
            System.arraycopy(LAST_BYTES, 0, both, bytes.length, LAST_BYTES.length);
            OutputStream out = socket.getOutputStream();
            out.write(both);
            out.flush();
            InputStream in = socket.getInputStream();
            byte[] sink = new byte[8192];
            while (in.read(sink) >= 0) {
                // The end says that it has finished with both.
            }
        } catch (java.net.SocketException reset) {
            // An end as well.
        }
        return new ArrayList<>(seen);
    }

    @Override
    public String toString() {
        return name;
    }
}
