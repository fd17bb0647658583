package dev.postern.runtime.rig;

import dev.postern.runtime.rig.RawHttp2.Frame;
import dev.postern.runtime.rig.RawHttp2.Stream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;

/**
 * An origin that speaks HTTP/2 frame by frame and answers by a script that may send anything. A thread for each connection;
 * the script runs on it, after each frame.
 */
public final class Http2Origin implements AutoCloseable {
    /** Is told of each frame, when what it says has been noted. */
    public interface Script {
        /** Sends what it likes. */
        void after(RawHttp2 connection, Stream stream, Frame frame) throws IOException;
    }

    private final ServerSocket server;
    private final Script script;
    private final int[] settings;
    private final List<RawHttp2> connections = new CopyOnWriteArrayList<>();
    private final AtomicInteger open = new AtomicInteger();
    private final List<Stream> received = new CopyOnWriteArrayList<>();

    private Http2Origin(ServerSocket server, Script script, int... settings) {
        this.server = server;
        this.script = script;
        this.settings = settings;
        thread("h2-origin-accept", this::accept);
    }

    /** In cleartext, with these SETTINGS. */
    public static Http2Origin answering(Script script, int... settings) throws IOException {
        return new Http2Origin(new ServerSocket(0, 200, InetAddress.getByName("127.0.0.1")), script, settings);
    }

    /** Over TLS, agreeing on these protocols. */
    public static Http2Origin secure(SSLContext context, Script script, String... alpn) throws IOException {
        SSLServerSocket socket = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 200, InetAddress.getByName("127.0.0.1"));
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(alpn);
        socket.setSSLParameters(parameters);
        return new Http2Origin(socket, script);
    }

    /** A script that answers a complete request. */
    public static Script complete(Script answer) {
        return (connection, stream, frame) -> {
            boolean content = frame.type() == RawHttp2.HEADERS || frame.type() == RawHttp2.DATA;
            if ((content && frame.has(RawHttp2.END_STREAM))
                    || (frame.type() == RawHttp2.CONTINUATION && stream.ended())) {
                answer.after(connection, stream, frame);
            }
        };
    }

    /** A script that answers 200 with what it was sent, trailers too. */
    public static Script echo() {
        return complete((connection, stream, frame) -> {
            connection.headers(stream.id(), false, ":status", "200", "x-origin", "h2");
            if (stream.trailers().isEmpty()) {
                connection.flow(stream.id(), true, stream.bytes());
                return;
            }
            connection.data(stream.id(), false, stream.bytes());
            connection.headers(
                    stream.id(),
                    true,
                    stream.trailers().stream()
                            .flatMap(field -> java.util.stream.Stream.of(field.getKey(), field.getValue()))
                            .toArray(String[]::new));
        });
    }

    /** A script that always answers 200 with this text. */
    public static Script saying(String text) {
        return complete((connection, stream, frame) -> connection
                .headers(stream.id(), false, ":status", "200", "content-length", "" + text.length())
                .data(stream.id(), true, text));
    }

    /** Its address. */
    public String url() {
        return (server instanceof SSLServerSocket ? "https://localhost:" : "http://127.0.0.1:") + server.getLocalPort();
    }

    /** All connections so far. */
    public List<RawHttp2> connections() {
        return connections;
    }

    /** Connections open now. */
    public int open() {
        return open.get();
    }

    /** The requests whose heads have come, in order. */
    public List<Stream> received() {
        return received;
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (RawHttp2 connection : connections) {
            connection.close();
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                thread("h2-origin", () -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        open.incrementAndGet();
        try (socket) {
            RawHttp2 connection = RawHttp2.server(socket, settings);
            socket.setSoTimeout(0);
            connections.add(connection);
            for (Frame frame = connection.read(); frame != null; frame = connection.read()) {
                Stream stream = connection.stream(frame.stream());
                if (frame.type() == RawHttp2.HEADERS && !received.contains(stream)) {
                    received.add(stream);
                }
                script.after(connection, stream, frame);
            }
        } catch (IOException broken) {
            // The gateway may cut a connection at any time: that is what some tests are about.
        } finally {
            open.decrementAndGet();
        }
    }

    private static void thread(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }
}
