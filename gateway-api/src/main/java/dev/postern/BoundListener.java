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
        return (secure ? "https://" : "http://") + reachable() + ':' + port;
    }

    // The addresses that mean "all interfaces" cannot be connected to everywhere; loopback is one of them.
    private String reachable() {
        return switch (host) {
            case "0.0.0.0" -> "127.0.0.1";
            case "::", "0:0:0:0:0:0:0:0" -> "[::1]";
            default -> host.contains(":") ? '[' + host + ']' : host;
        };
    }
}
