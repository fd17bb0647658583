package dev.postern.runtime.listener;

import dev.postern.BoundListener;
import dev.postern.GatewayStartException;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Sends a request over loopback that only the byte guard refuses, and expects its refusal: a listener whose guard is not
 * in place does not start. The request has a folded field, which Netty's decoder unfolds and Vert.x serves. Where HTTP/1.1 is
 * not spoken it has to be met with silence. By a socket of the JDK's, as a client of Vert.x would make the start of a gateway
 * longer. Blocks.
 */
final class Canary {
    private static final String REQUEST = "GET /.postern/canary HTTP/1.1\r\nHost: canary\r\nX-Folded: a\r\n b\r\n\r\n";
    private static final String REASON = "framing.obs_fold";
    /** For each of its steps. */
    static final Duration TIMEOUT = Duration.ofSeconds(5);

    private static final int TIMEOUT_MILLIS = (int) TIMEOUT.toMillis();

    private final BoundListener listener;
    private final boolean http1;
    private final @Nullable String serverName;

    /**
     * A canary.
     *
     * @param http1 whether HTTP/1.1 is served, so that a refusal can be read
     * @param serverName to ask for in the handshake, or null
     */
    Canary(BoundListener listener, boolean http1, @Nullable String serverName) {
        this.listener = listener;
        this.http1 = http1;
        this.serverName = serverName;
    }

    /**
     * Asks and waits for the answer.
     *
     * @throws GatewayStartException when the guard is not in place
     * @throws IOException when nobody can be asked
     */
    void check() throws IOException, GeneralSecurityException {
        String host = listener.host().equals("0.0.0.0")
                ? "127.0.0.1"
                : listener.host().equals("::") ? "::1" : listener.host();
        String answer;
        try (Socket socket = new Socket(Proxy.NO_PROXY)) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            socket.connect(new InetSocketAddress(host, listener.port()), TIMEOUT_MILLIS);
            answer = listener.secure() ? askSecured(socket, host) : ask(socket);
        }
        if (http1 ? !answer.contains(REASON) : !answer.isEmpty()) {
            throw new GatewayStartException(
                    "listener \"" + listener.name()
                            + "\": the byte guard is not in place (it did not refuse a"
                            + " malformed request; use withoutByteGuard() to run without it)",
                    null);
        }
    }

    private String askSecured(Socket plain, String host) throws IOException, GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        // We talk to ourselves: the certificate may be for any name.
        context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
        try (SSLSocket socket =
                (SSLSocket) context.getSocketFactory().createSocket(plain, host, listener.port(), true)) {
            if (serverName != null) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setServerNames(List.of(new SNIHostName(serverName.getBytes(StandardCharsets.US_ASCII))));
                socket.setSSLParameters(parameters);
            }
            socket.startHandshake();
            return ask(socket);
        }
    }

    private static String ask(Socket socket) throws IOException {
        socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(answer);
        } catch (IOException end) {
            // However it has ended, and if it has not: what has come is judged.
            return answer.toString(StandardCharsets.UTF_8);
        }
        return answer.toString(StandardCharsets.UTF_8);
    }
}
