package dev.postern;

/**
 * A listener that is bound.
 *
 * @param name its name
 * @param host the address bound
 * @param port the port bound, never 0
 * @param secure whether it speaks TLS
 */
public record BoundListener(String name, String host, int port, boolean secure) {
    /** {@code http://127.0.0.1:8080}. */
    public String url() {
        String shown = host.equals("0.0.0.0") ? "127.0.0.1" : host.contains(":") ? "[" + host + "]" : host;
        return (secure ? "https://" : "http://") + shown + ':' + port;
    }
}
