package dev.postern.benchmarks.compare;

import java.nio.charset.StandardCharsets;

/** The bytes that are sent: five request headers, as browsers and services send them. */
final class Requests {
    @SuppressWarnings("StringConcatToTextBlock") // the ends of its lines are not those of this file
    private static final String HEAD = " HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: load/1.0\r\n"
            + "Accept: application/json\r\nAccept-Encoding: gzip\r\nAccept-Language: en\r\nX-Tenant: acme\r\n";

    /** A GET that the origin answers with 200 bytes. */
    static final byte[] GET = get("/api/items/42", "");

    /** A POST of one kibibyte that it answers with as much. */
    static final byte[] POST = ascii("POST /api/items" + HEAD + "Content-Length: 1024\r\n\r\n" + "y".repeat(1024));

    /** A GET that it answers with one mebibyte. */
    static final byte[] LARGE = get("/big", "");

    private Requests() {}

    /** A GET with more header lines, each with its end. */
    static byte[] get(String target, String more) {
        return ascii("GET " + target + HEAD + more + "\r\n");
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
