package dev.postern;

/** A version of HTTP, as spoken on one connection. */
public enum Protocol {
    /** One exchange at a time on a connection. */
    HTTP_1_1("http/1.1"),
    /** Many exchanges at a time on a connection. */
    HTTP_2("h2");

    private final String alpn;

    Protocol(String alpn) {
        this.alpn = alpn;
    }

    /** The name by which TLS peers agree on it (RFC 7301): {@code http/1.1}, {@code h2}. */
    public String alpn() {
        return alpn;
    }
}
