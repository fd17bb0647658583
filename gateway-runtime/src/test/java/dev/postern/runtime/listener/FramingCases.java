package dev.postern.runtime.listener;

import java.util.ArrayList;
import java.util.List;

/** Requests that must be refused, each with its nearest twin that must pass, and unusual ones that must pass. */
final class FramingCases {

    /** Refused for {@code reason}; {@code twin} is accepted. */
    record Bad(String what, String bytes, Reason reason, String twin) {
        @Override
        public String toString() {
            return what + " -> " + reason.code();
        }
    }

    /** Accepted as {@code requests} requests with {@code body} body bytes altogether. */
    record Good(String what, String bytes, int requests, int body) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static final String TAIL = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

    private FramingCases() {}

    static String get(String field) {
        return "GET / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n";
    }

    static String post(String field, String body) {
        return "POST / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n" + body;
    }

    static String chunked(String body) {
        return post("Transfer-Encoding: chunked", body);
    }

    static List<Bad> refused() {
        List<Bad> all = new ArrayList<>();
        requestLines(all);
        targets(all);
        fields(all);
        lengths(all);
        codings(all);
        chunks(all);
        trailers(all);
        sizes(all);
        return all;
    }

    private static void requestLines(List<Bad> all) {
        String ok = "GET / HTTP/1.1\r\n\r\n";
        line(all, "two spaces before the target", "GET  / HTTP/1.1\r\n\r\n", ok);
        line(all, "two spaces before the version", "GET /  HTTP/1.1\r\n\r\n", ok);
        line(all, "space at the end of the line", "GET / HTTP/1.1 \r\n\r\n", ok);
        line(all, "leading space", " GET / HTTP/1.1\r\n\r\n", ok);
        line(all, "no version (HTTP/0.9)", "GET /\r\n\r\n", ok);
        line(all, "no target", "GET HTTP/1.1\r\n\r\n", ok);
        line(all, "method only", "GET\r\n\r\n", ok);
        line(all, "lower-case version", "GET / http/1.1\r\n\r\n", ok);
        line(all, "version with a third digit", "GET / HTTP/1.10\r\n\r\n", ok);
        line(all, "version with one part", "GET / HTTP/1\r\n\r\n", ok);
        line(all, "version with a letter", "GET / HTTP/1.x\r\n\r\n", ok);
        line(all, "version with a comma", "GET / HTTP/1,1\r\n\r\n", ok);
        line(all, "colon in the method", "GE:T / HTTP/1.1\r\n\r\n", "GE.T / HTTP/1.1\r\n\r\n");
        line(all, "two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", "\r\nGET / HTTP/1.1\r\n\r\n");
        line(all, "TLS hello on the cleartext port", "\u0016\u0003\u0001\u0002\u0000\u0001", ok);
        for (char c : new char[] {'\t', '\u000b', '\f', '\0', '\u0001', '\u001f', '\u007f'}) {
            String name = "0x" + Integer.toHexString(c);
            line(all, name + " for the first space", "GET" + c + "/ HTTP/1.1\r\n\r\n", ok);
            all.add(new Bad(
                    name + " for the second space", "GET /" + c + "HTTP/1.1\r\n\r\n", Reason.REQUEST_TARGET, ok));
            line(all, name + " before the line", c + "GET / HTTP/1.1\r\n\r\n", ok);
            line(all, name + " after the version", "GET / HTTP/1.1" + c + "\r\n\r\n", ok);
        }
        all.add(new Bad("lone LF first", "\nGET / HTTP/1.1\r\n\r\n", Reason.BARE_LF, "\r\nGET / HTTP/1.1\r\n\r\n"));
        all.add(new Bad("lone LF after the line", "GET / HTTP/1.1\n\r\n", Reason.BARE_LF, ok));
        all.add(new Bad("lone LF after the method", "GET\n/ HTTP/1.1\r\n\r\n", Reason.BARE_LF, ok));
        all.add(new Bad("lone LF in the target", "GET /\nHTTP/1.1\r\n\r\n", Reason.BARE_LF, ok));
        all.add(new Bad("lone CR first", "\rGET / HTTP/1.1\r\n\r\n", Reason.BARE_CR, "\r\nGET / HTTP/1.1\r\n\r\n"));
        all.add(new Bad("lone CR after the line", "GET / HTTP/1.1\rHost: a\r\n\r\n", Reason.BARE_CR, ok));
        all.add(new Bad("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", Reason.VERSION, ok));
        all.add(new Bad("HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", Reason.VERSION, ok));
        all.add(new Bad("HTTP/0.9 spelled out", "GET / HTTP/0.9\r\n\r\n", Reason.VERSION, ok));
        all.add(new Bad("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reason.VERSION, ok));
    }

    private static void line(List<Bad> all, String what, String bytes, String twin) {
        all.add(new Bad(what, bytes, Reason.REQUEST_LINE, twin));
    }

    private static void targets(List<Bad> all) {
        String twin = "GET /a/b HTTP/1.1\r\n\r\n";
        for (char c : "\"<>\\^`{|}#\u0080\u00e4\u00ff".toCharArray()) {
            all.add(new Bad(
                    "0x" + Integer.toHexString(c) + " in the target",
                    "GET /a" + c + "b HTTP/1.1\r\n\r\n",
                    Reason.REQUEST_TARGET,
                    twin));
        }
        for (int c = 1; c < 0x20; c++) {
            if (c != '\r' && c != '\n') {
                all.add(new Bad(
                        "control " + c + " in the target",
                        "GET /a" + (char) c + "b HTTP/1.1\r\n\r\n",
                        Reason.REQUEST_TARGET,
                        twin));
            }
        }
    }

    private static void fields(List<Bad> all) {
        String ok = get("A: b");
        all.add(new Bad("fold after a field", get("A: b\r\n c"), Reason.OBS_FOLD, get("A: b c")));
        all.add(new Bad("fold with a tab", get("A: b\r\n\tc"), Reason.OBS_FOLD, get("A: b\tc")));
        all.add(new Bad("fold of a coding", get("Transfer-Encoding:\r\n chunked"), Reason.TE_FINAL, ok));
        all.add(new Bad("fold of a length", get("Content-Length:\r\n 3"), Reason.CL_SYNTAX, ok));
        all.add(new Bad("fold of Host", "GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n", Reason.OBS_FOLD, ok));
        all.add(new Bad("blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", Reason.OBS_FOLD, ok));
        all.add(new Bad("blank instead of the empty line", "GET / HTTP/1.1\r\nHost: a\r\n \r\n", Reason.OBS_FOLD, ok));
        all.add(new Bad("empty name", get(": b"), Reason.FIELD_NAME_EMPTY, ok));
        all.add(new Bad("space before the colon", get("A : b"), Reason.FIELD_NAME_SPACE, ok));
        all.add(new Bad("tab before the colon", get("A\t: b"), Reason.FIELD_NAME_SPACE, ok));
        all.add(new Bad("space in the name", get("A B: b"), Reason.FIELD_NAME_SPACE, get("A-B: b")));
        all.add(new Bad(
                "underscore", get("X_Forwarded_For: b"), Reason.FIELD_NAME_UNDERSCORE, get("X-Forwarded-Fox: b")));
        for (String name : List.of("Content-Xength", "content-zength", "content-1ength", "Content-xype")) {
            all.add(new Bad(
                    "alias " + name, post(name + ": 3", "abc"), Reason.FIELD_NAME_ALIAS, get("A" + name + ": 3")));
        }
        all.add(new Bad(
                "alias in a trailer",
                chunked("0\r\nContent-Xype: a\r\n\r\n"),
                Reason.FIELD_NAME_ALIAS,
                chunked("0\r\nXontent-Xype: a\r\n\r\n")));
        all.add(new Bad("no colon", get("Ab"), Reason.FIELD_NAME, ok));
        for (char c : "\"(),/;<=>?@[\\]{}\0\u0001\u007f\u0080\u00ff".toCharArray()) {
            all.add(new Bad(
                    "0x" + Integer.toHexString(c) + " in a name", get("A" + c + "B: b"), Reason.FIELD_NAME, ok));
        }
        for (int c = 0; c < 0x20; c++) {
            if (c != '\r' && c != '\n' && c != '\t') {
                all.add(new Bad("control " + c + " in a value", get("A: b" + (char) c + "c"), Reason.FIELD_VALUE, ok));
            }
        }
        all.add(new Bad("DEL in a value", get("A: b\u007fc"), Reason.FIELD_VALUE, get("A: b~c")));
        all.add(new Bad("lone LF after a value", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", Reason.BARE_LF, ok));
        all.add(new Bad("lone LF in a name", get("A\nB: c"), Reason.BARE_LF, ok));
        all.add(new Bad("lone LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", Reason.BARE_LF, ok));
        all.add(new Bad("lone CR in a value", get("A: b\rc"), Reason.BARE_CR, ok));
        all.add(new Bad("two CR after a value", get("A: b\r"), Reason.BARE_CR, ok));
        all.add(new Bad("lone CR for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX", Reason.BARE_CR, ok));
        all.add(new Bad(
                "Hixie key 1",
                get("Sec-WebSocket-Key1: x") + "12345678",
                Reason.WEBSOCKET_KEY,
                get("Sec-WebSocket-Key: x")));
        all.add(new Bad(
                "Hixie key 2",
                get("sec-websocket-key2: x") + "12345678",
                Reason.WEBSOCKET_KEY,
                get("Sec-WebSocket-Key3: x")));
    }

    private static void lengths(List<Bad> all) {
        String twin = post("Content-Length: 3", "abc");
        for (String value : List.of(
                "", " ", "+3", "-3", "0x3", "3,3", "3, 3", "3 3", "3;", "03", "00", "3.0", "3a", "\"3\"", "\u00b3",
                "3_0", "1e1")) {
            all.add(new Bad(
                    "Content-Length '" + value + "'",
                    post("Content-Length: " + value, "abc") + TAIL,
                    Reason.CL_SYNTAX,
                    twin));
        }
        all.add(new Bad(
                "length twice, equal",
                post("Content-Length: 3\r\nContent-Length: 3", "abc"),
                Reason.CL_REPEATED,
                twin));
        all.add(new Bad(
                "length twice, unlike",
                post("Content-Length: 3\r\nContent-Length: 4", "abc"),
                Reason.CL_REPEATED,
                twin));
        all.add(new Bad(
                "length twice, other case",
                post("Content-Length: 3\r\ncontent-length: 3", "abc"),
                Reason.CL_REPEATED,
                twin));
        all.add(new Bad("2^63", post("Content-Length: 9223372036854775808", "abc"), Reason.CL_TOO_LARGE, twin));
        all.add(new Bad("2^64 + 3", post("Content-Length: 18446744073709551619", "abc"), Reason.CL_TOO_LARGE, twin));
        all.add(new Bad("40 digits", post("Content-Length: " + "9".repeat(40), "abc"), Reason.CL_TOO_LARGE, twin));
    }

    private static void codings(List<Bad> all) {
        String twin = chunked("3\r\nabc\r\n0\r\n\r\n");
        String body = "3\r\nabc\r\n0\r\n\r\n" + TAIL;
        for (String value : List.of(
                "",
                "gzip",
                "identity",
                "xchunked",
                "chunkedx",
                "\"chunked\"",
                "'chunked'",
                "chunked;q=1",
                "chunked;",
                "chunked,",
                ",chunked",
                "chunked, ,",
                "chunked,chunked",
                "chunked, chunked",
                "chunked, gzip",
                "chunked, identity",
                "chunked chunked",
                "gzip chunked",
                "chunked\u0080",
                "chunk ed",
                "c hunked",
                "chunked:")) {
            for (String length : List.of("", "Content-Length: 3\r\n", "Content-Length: 0\r\n")) {
                all.add(new Bad(
                        "Transfer-Encoding '" + value + "' " + length.trim(),
                        post(length + "Transfer-Encoding: " + value, body),
                        Reason.TE_FINAL,
                        twin));
            }
        }
        for (String value : List.of(
                "gzip, chunked", "gzip,chunked", "deflate, gzip, chunked", "identity, chunked", "x\t,\tchunked")) {
            all.add(new Bad(
                    "stacked '" + value + "'", post("Transfer-Encoding: " + value, body), Reason.TE_CODING, twin));
        }
        all.add(new Bad(
                "two coding lines",
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", body),
                Reason.TE_REPEATED,
                twin));
        all.add(new Bad(
                "two coding lines, gzip second",
                post("Transfer-Encoding: chunked\r\ntransfer-encoding: gzip", body),
                Reason.TE_REPEATED,
                twin));
        all.add(new Bad(
                "coding then length",
                post("Transfer-Encoding: chunked\r\nContent-Length: 3", body),
                Reason.TE_AND_CL,
                twin));
        all.add(new Bad(
                "length then coding",
                post("Content-Length: 3\r\nTransfer-Encoding: chunked", body),
                Reason.TE_AND_CL,
                twin));
        all.add(new Bad(
                "length 0 then coding",
                post("Content-Length: 0\r\nTransfer-Encoding: Chunked", body),
                Reason.TE_AND_CL,
                twin));
    }

    private static void chunks(List<Bad> all) {
        String twin = chunked("3\r\nabc\r\n0\r\n\r\n");
        for (String line : List.of(
                "3 7",
                "3\tx",
                "3\0zz",
                "3 ",
                "3\t",
                " 3",
                "\t3",
                "\u000b3",
                "0x3",
                "+3",
                "-3",
                "",
                "3,",
                "3 ;a=b",
                "g",
                "3\u0080",
                "100000003",
                "000000003",
                "80000000",
                "ffffffff")) {
            all.add(new Bad(
                    "chunk line '" + line + "'", chunked(line + "\r\nabc\r\n0\r\n\r\n"), Reason.CHUNK_SIZE, twin));
        }
        all.add(new Bad("chunk line with CR in it", chunked("3\rX\r\nabc\r\n0\r\n\r\n"), Reason.BARE_CR, twin));
        all.add(new Bad("chunk line ends in LF", chunked("3\nabc\r\n0\r\n\r\n"), Reason.BARE_LF, twin));
        all.add(new Bad("last chunk line ends in LF", chunked("3\r\nabc\r\n0\n\r\n"), Reason.BARE_LF, twin));
        String ext = chunked("3;a=b\r\nabc\r\n0\r\n\r\n");
        for (String extension : List.of(
                ";",
                ";;",
                "; a",
                ";a ",
                ";a =b",
                ";a= b",
                ";a=",
                ";=b",
                ";a=b c",
                ";a=b=c",
                ";a=\"b\"c",
                ";a=\"b",
                ";a=\"\\\r\n\"",
                ";a\0",
                ";a=\u0080",
                ";a=\"\u0001\"",
                ";a=\"\u0080\"",
                ";a=b;")) {
            all.add(new Bad(
                    "extension '" + extension + "'",
                    chunked("3" + extension + "\r\nabc\r\n0\r\n\r\n"),
                    Reason.CHUNK_EXTENSION,
                    ext));
        }
        all.add(new Bad("extension ends in LF", chunked("3;a\nabc\r\n0\r\n\r\n"), Reason.BARE_LF, ext));
        all.add(new Bad("quoted LF", chunked("3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"), Reason.BARE_LF, ext));
        all.add(new Bad(
                "extensions of 257 bytes",
                chunked("3;" + "a".repeat(256) + "\r\nabc\r\n0\r\n\r\n"),
                Reason.CHUNK_EXTENSION_TOO_LARGE,
                chunked("3;" + "a".repeat(255) + "\r\nabc\r\n0\r\n\r\n")));
        all.add(new Bad(
                "extensions of 257 bytes in two chunks",
                chunked("3;" + "a".repeat(200) + "\r\nabc\r\n0;" + "a".repeat(55) + "\r\n\r\n"),
                Reason.CHUNK_EXTENSION_TOO_LARGE,
                chunked("3;" + "a".repeat(200) + "\r\nabc\r\n0;" + "a".repeat(54) + "\r\n\r\n")));
        for (String end : List.of("XX", "\n", "\rX", "X\r\n", "\0\0", "0\r\n")) {
            all.add(new Bad(
                    "'" + end.trim() + "' behind the chunk",
                    chunked("3\r\nabc" + end + "\r\n0\r\n\r\n"),
                    Reason.CHUNK_END,
                    twin));
        }
        all.add(new Bad("data past the size", chunked("3\r\nabcd\r\n0\r\n\r\n"), Reason.CHUNK_END, twin));
    }

    private static void trailers(List<Bad> all) {
        String twin = chunked("0\r\nX-Checksum: 1\r\n\r\n");
        for (String name : List.of(
                "Content-Length",
                "Transfer-Encoding",
                "Host",
                "Authorization",
                "Proxy-Authorization",
                "Cookie",
                "Connection",
                "TE",
                "Trailer",
                "Upgrade",
                "Expect",
                "Content-Type",
                "Content-Encoding",
                "Content-Range",
                "Forwarded",
                "X-Forwarded-For",
                "x-forwarded-proto",
                "X-Real-IP",
                "Proxy",
                "Via",
                "Range",
                "Cache-Control",
                "Max-Forwards")) {
            all.add(new Bad(
                    "trailer " + name, chunked("0\r\n" + name + ": 1\r\n\r\n"), Reason.TRAILER_FORBIDDEN, twin));
        }
        all.add(new Bad("fold in a trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), Reason.OBS_FOLD, twin));
        all.add(new Bad("empty trailer name", chunked("0\r\n: b\r\n\r\n"), Reason.FIELD_NAME_EMPTY, twin));
        all.add(new Bad("underscore in a trailer", chunked("0\r\nA_b: b\r\n\r\n"), Reason.FIELD_NAME_UNDERSCORE, twin));
        all.add(new Bad("NUL in a trailer", chunked("0\r\nA: \0\r\n\r\n"), Reason.FIELD_VALUE, twin));
        all.add(new Bad("junk for the last empty line", chunked("0\r\n\rX"), Reason.BARE_CR, twin));
        all.add(new Bad(
                "17 trailer fields",
                chunked("0\r\n" + "A: b\r\n".repeat(17) + "\r\n"),
                Reason.TRAILER_TOO_LARGE,
                chunked("0\r\n" + "A: b\r\n".repeat(16) + "\r\n")));
        all.add(new Bad(
                "4097 trailer bytes",
                chunked("0\r\nA: " + "b".repeat(4097 - 7) + "\r\n\r\n"),
                Reason.TRAILER_TOO_LARGE,
                chunked("0\r\nA: " + "b".repeat(4096 - 7) + "\r\n\r\n")));
    }

    private static void sizes(List<Bad> all) {
        // "GET /" + " HTTP/1.1" are 14 bytes.
        all.add(new Bad(
                "request line of 8193 bytes",
                "GET /" + "a".repeat(8193 - 14) + " HTTP/1.1\r\n\r\n",
                Reason.REQUEST_LINE_TOO_LONG,
                "GET /" + "a".repeat(8192 - 14) + " HTTP/1.1\r\n\r\n"));
        all.add(new Bad("endless method", "A".repeat(8193), Reason.REQUEST_LINE_TOO_LONG, "GET / HTTP/1.1\r\n\r\n"));
        // "GET / HTTP/1.1" CRLF "A: " CRLF CRLF are 23 bytes.
        all.add(new Bad(
                "head of 16385 bytes",
                "GET / HTTP/1.1\r\nA: " + "b".repeat(16385 - 23) + "\r\n\r\n",
                Reason.HEAD_TOO_LARGE,
                "GET / HTTP/1.1\r\nA: " + "b".repeat(16384 - 23) + "\r\n\r\n"));
        all.add(new Bad("endless name", "GET / HTTP/1.1\r\n" + "A".repeat(16385), Reason.HEAD_TOO_LARGE, get("A: b")));
        all.add(new Bad(
                "101 fields",
                "GET / HTTP/1.1\r\n" + "A: b\r\n".repeat(101) + "\r\n",
                Reason.TOO_MANY_FIELDS,
                "GET / HTTP/1.1\r\n" + "A: b\r\n".repeat(100) + "\r\n"));
    }

    static List<Good> accepted() {
        List<Good> all = new ArrayList<>();
        all.add(new Good("no field at all", "GET / HTTP/1.1\r\n\r\n", 1, 0));
        all.add(new Good("one empty line first", "\r\nGET / HTTP/1.1\r\n\r\n", 1, 0));
        all.add(new Good("an empty line between requests", get("A: b") + "\r\n" + get("A: b"), 2, 0));
        all.add(new Good("three requests at once", get("A: b").repeat(3), 3, 0));
        all.add(new Good("odd method", "M-SEARCH!#$%&'*+.^`|~ * HTTP/1.1\r\n\r\n", 1, 0));
        all.add(new Good("asterisk target", "OPTIONS * HTTP/1.1\r\n\r\n", 1, 0));
        all.add(new Good("absolute target", "GET http://a.example:80/x?y=z;a HTTP/1.1\r\n\r\n", 1, 0));
        all.add(new Good("every allowed target byte", "GET /!$%&'()*+,-./09:;=?@AZ[]_az~ HTTP/1.1\r\n\r\n", 1, 0));
        all.add(new Good("empty value", get("A:"), 1, 0));
        all.add(new Good("blanks only in a value", get("A: \t \t"), 1, 0));
        all.add(new Good("no blank after the colon", get("A:b"), 1, 0));
        all.add(new Good("blanks around a value", get("A: \t b \t "), 1, 0));
        all.add(new Good("colons in a value", get("A: ::b: c::"), 1, 0));
        all.add(new Good("8-bit value", get("A: \u0080\u00e4\u00ff"), 1, 0));
        all.add(new Good("every token byte in a name", get("!#$%&'*+-.^`|~09azAZ: b"), 1, 0));
        all.add(new Good("a name longer than any we know", get("A".repeat(300) + ": b"), 1, 0));
        all.add(new Good(
                "names that begin like ours",
                get("Content-Lengt: 3x\r\nContent-Lengthy: 3x\r\nTransfer-Encodin: gzip"),
                1,
                0));
        all.add(new Good("length 0", post("Content-Length: 0", ""), 1, 0));
        all.add(new Good("length with blanks around", post("cOnTeNt-LeNgTh: \t 3 \t", "abc"), 1, 3));
        all.add(new Good(
                "body that looks like a request", post("Content-Length: " + TAIL.length(), TAIL), 1, TAIL.length()));
        all.add(new Good("body with a GET", "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 1, 3));
        all.add(new Good("body, then a request", post("Content-Length: 3", "abc") + get("A: b"), 2, 3));
        all.add(new Good("body, empty line, request", post("Content-Length: 3", "abc") + "\r\n" + get("A: b"), 2, 3));
        all.add(new Good(
                "Chunked in odd case", post("tRaNsFeR-eNcOdInG: \tChUnKeD\t ", "3\r\nabc\r\n0\r\n\r\n"), 1, 3));
        all.add(new Good("no chunk but the last", chunked("0\r\n\r\n"), 1, 0));
        all.add(new Good("last chunk of eight zeros", chunked("00000000\r\n\r\n"), 1, 0));
        all.add(new Good("leading zeros", chunked("0003\r\nabc\r\n0\r\n\r\n"), 1, 3));
        all.add(new Good("hex in both cases", chunked("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), 1, 21));
        all.add(new Good("CRLF in the data", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), 1, 4));
        all.add(new Good("extensions", chunked("3;a;b=c;d=\"e f;g\"\r\nabc\r\n0;last\r\n\r\n"), 1, 3));
        all.add(new Good("quoted pairs", chunked("3;a=\"\\\"\\\\x\"\r\nabc\r\n0\r\n\r\n"), 1, 3));
        all.add(new Good("trailers", chunked("3\r\nabc\r\n0\r\nX-Checksum: 1\r\nB:\r\n\r\n"), 1, 3));
        all.add(new Good("chunked, then a request", chunked("3\r\nabc\r\n0\r\n\r\n") + get("A: b"), 2, 3));
        all.add(new Good(
                "Connection that only looks like close",
                get("Connection: closed, xclose, \"close\", clo se") + get("A: b"),
                2,
                0));
        all.add(new Good(
                "Upgrade to h2c, for the next layer to ignore",
                get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA"),
                1,
                0));
        all.add(new Good("Connection: close", get("Connection: close") + TAIL, 1, 0));
        all.add(new Good("close in a list", get("Connection: keep-alive ,\tCLOSE ,x") + TAIL, 1, 0));
        all.add(new Good("close in the second line", get("Connection: x\r\nConnection: close") + TAIL, 1, 0));
        all.add(new Good("close with a body", post("Connection: close\r\nContent-Length: 3", "abc") + TAIL, 1, 3));
        all.add(new Good(
                "close with chunks",
                post("Connection: close\r\nTransfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n") + "\0\0",
                1,
                3));
        return all;
    }
}
