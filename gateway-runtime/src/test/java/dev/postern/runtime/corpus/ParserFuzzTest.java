package dev.postern.runtime.corpus;

import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.runtime.RuntimeFuzz;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.balancing.RetryAfter;
import dev.postern.runtime.discovery.DiscoveryFuzz;
import dev.postern.runtime.edge.Authority;
import dev.postern.runtime.edge.CanonicalPath;
import dev.postern.runtime.edge.IpLiteral;
import dev.postern.runtime.edge.RequestHead;
import dev.postern.runtime.edge.TargetParser;
import dev.postern.runtime.forward.ForwardFuzz;
import dev.postern.runtime.listener.ListenerFuzz;
import dev.postern.runtime.message.Fields;
import dev.postern.runtime.message.MessageFuzz;
import dev.postern.runtime.message.ResponseHead;
import dev.postern.runtime.message.Tokens;
import dev.postern.runtime.message.TrailerFields;
import dev.postern.runtime.observe.ObserveFuzz;
import dev.postern.runtime.pipeline.PipelineFuzz;
import dev.postern.runtime.rig.Fuzz;
import dev.postern.runtime.routing.RoutingFuzz;
import dev.postern.runtime.tls.TlsFuzz;
import io.vertx.core.MultiMap;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Mutated inputs for every parser of the runtime: none breaks, and what it accepts is what it promises. */
class ParserFuzzTest {
    // Ed25519, valid until 2081, for a.example and *.b.example, spiffe://a/b, a@b and 10.0.0.1.
    private static final String CERTIFICATE =
            "MIIBLDCB36ADAgECAghufiRNN9l88TAFBgMrZXAwDDEKMAgGA1UEAxMBYTAgFw0yNjExMjEyMjQy"
                    + "NDVaGA8yMDgxMDgyNDIyNDI0NVowDDEKMAgGA1UEAxMBYTAqMAUGAytlcAMhAGKj3+TRk4w6e2bV"
                    + "xdJ6T4FB1EWAZ5PKP91RYSzRuMlxo10wWzAdBgNVHQ4EFgQUzSbxZVUHbF2z8YAIh4uOmbmAof4w"
                    + "OgYDVR0RBDMwMYIJYS5leGFtcGxlggsqLmIuZXhhbXBsZYYMc3BpZmZlOi8vYS9igQNhQGKHBAoA"
                    + "AAEwBQYDK2VwA0EAIQ2rCWsrrlrq85LGl3+pPCVfwexH3fE0Bu5GYdL8SNroh5v0JPe2WOUdK5lc"
                    + "LACmrzyPRzRQRvjP3QRSfK9TDg==";

    private static String certificate() {
        return HexFormat.of().withPrefix("\\x").formatHex(Base64.getDecoder().decode(CERTIFICATE));
    }

    private static String text(byte[] input) {
        return new String(input, StandardCharsets.ISO_8859_1);
    }

    /** The reason of a refusal, which must be the client's fault. */
    private static int refusal(GatewayException refused) {
        int status = refused.failure().status();
        if (status < 400 || status >= 500) {
            throw new IllegalStateException("refused with " + status, refused);
        }
        return refused.reason().hashCode();
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    /** Lines of a name and a value each. */
    private static List<Map.Entry<String, String>> fields(byte[] input) {
        List<Map.Entry<String, String>> fields = new ArrayList<>();
        for (String line : text(input).split("\n")) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.add(Map.entry(
                        line.substring(0, colon), line.substring(colon + 1).strip()));
            }
        }
        return fields;
    }

    @Test
    void the_byte_guard() throws Exception {
        List<String> seeds = new ArrayList<>();
        for (Case each : Corpus.of("requests")) {
            if (each.bytes().length < 300 && seeds.size() < 400) {
                seeds.add(HexFormat.of().withPrefix("\\x").formatHex(each.bytes()));
            }
        }
        seeds.add("Transfer-Encoding: chunked Content-Length: 1 0 ; \\x0d\\x0a Connection: close HTTP/1.1");
        Fuzz.run("guard", ListenerFuzz.guard(), seeds.toArray(String[]::new));
    }

    @Test
    void the_framing_of_responses() throws Exception {
        List<String> seeds = new ArrayList<>();
        for (Case each : Corpus.of("responses")) {
            if (each.bytes().length < 300) {
                seeds.add(HexFormat.of().withPrefix("\\x").formatHex(each.bytes()));
            }
        }
        seeds.add("Transfer-Encoding: chunked Content-Length: 1 0 ; \\x0d\\x0a HTTP/1.1 200 204");
        Fuzz.run("response-framing", ForwardFuzz.responses(), seeds.toArray(String[]::new));
    }

    @Test
    void paths() throws Exception {
        Fuzz.run(
                "path",
                input -> {
                    String raw = text(input);
                    String path;
                    try {
                        path = CanonicalPath.of(raw);
                    } catch (GatewayException refused) {
                        return refusal(refused);
                    }
                    check(CanonicalPath.isCanonical(path), "not canonical: " + path);
                    check(CanonicalPath.of(path).equals(path), "not stable: " + path);
                    check(PathModel.plain(path).equals(PathModel.of(raw)), "means something else: " + path);
                    return path.length();
                },
                "/a/%2e%2E/b//c/./d",
                "/%41%7e%c3%a4/%e2%82%ac/%F0%9F%98%80/",
                "/a;b/%2f%5c%00%25%zz",
                "/../..",
                "/\"<>[]^`{|}");
    }

    @Test
    void targets() throws Exception {
        Fuzz.run(
                "target",
                input -> {
                    TargetParser.Target target;
                    try {
                        target = TargetParser.parse(
                                input.length % 7 == 0 ? "OPTIONS" : "GET", text(input), "http", "a.example");
                    } catch (GatewayException refused) {
                        return refusal(refused);
                    }
                    check(CanonicalPath.isCanonical(target.path()), target.path());
                    // The public type holds what comes out to its own rules.
                    Request request = Request.of("GET", target.path()).withQuery(target.query());
                    return request.target().length();
                },
                "/a?b=c&d",
                "http://a.example/x?y",
                "HTTP://A.example:80?q",
                "*",
                "https://a.example/",
                "a.example:80",
                "/a#b");
    }

    @Test
    void hosts() throws Exception {
        Fuzz.run(
                "authority",
                input -> {
                    String authority;
                    try {
                        authority = Authority.canonical(text(input));
                    } catch (GatewayException refused) {
                        return refusal(refused);
                    }
                    check(Authority.canonical(authority).equals(authority), "not stable: " + authority);
                    int port = Authority.port(authority);
                    check(port == -1 || (port > 0 && port < 65536), "port " + port);
                    check(!Authority.host(authority).isEmpty(), "no host");
                    Request.of("GET", "/").withAuthority(authority);
                    return authority.length();
                },
                "A.Example.:8080",
                "[2001:DB8::1]:443",
                "[::ffff:192.0.2.1]",
                "192.0.2.1",
                "0x7f.1",
                "xn--a_b-c.example");
    }

    @Test
    void addresses() throws Exception {
        Fuzz.run(
                "ip",
                input -> {
                    String text = text(input);
                    long[] bits = new long[2];
                    long v4 = IpLiteral.v4(text, 0, text.length());
                    if (v4 >= 0) {
                        check(IpLiteral.v4(v4).equals(text), IpLiteral.v4(v4));
                        return 1;
                    }
                    if (!IpLiteral.v6(text, 0, text.length(), bits)) {
                        return 0;
                    }
                    String again = IpLiteral.v6(bits[0], bits[1]);
                    long[] same = new long[2];
                    check(IpLiteral.v6(again, 0, again.length(), same), again);
                    check(same[0] == bits[0] && same[1] == bits[1], again);
                    return 2 + again.length();
                },
                "192.0.2.1",
                "2001:db8::1",
                "::ffff:10.1.2.3",
                "1:2:3:4:5:6:7:8",
                "::",
                "fe80::1%eth0");
    }

    @Test
    void request_heads() throws Exception {
        Fuzz.run(
                "request-head",
                input -> {
                    RequestHead head;
                    try {
                        head = RequestHead.of("POST", "/a", fields(input), null, "http", 100);
                    } catch (GatewayException refused) {
                        return refusal(refused);
                    }
                    int kind = head.headers().size();
                    for (int i = 0; i < head.headers().size(); i++) {
                        String name = head.headers().name(i);
                        check(Fields.ofRequest(name) == Fields.Kind.END_TO_END || name.equals("TE"), "passes: " + name);
                    }
                    return kind * 8 + Long.signum(head.length()) * 2 + (head.close() ? 1 : 0);
                },
                "Host: a.example\nContent-Length: 3\nConnection: close, X-Own\nX-Own: 1\nCookie: a=b; c=\"d\"",
                "Host: A:80\nTransfer-Encoding: chunked\nExpect: 100-continue\nTE: trailers\nX-Forwarded-For: 1.2.3.4",
                "host: a\nForwarded: for=1.2.3.4;proto=http\nTraceparent: 00-1-2-3\nKeep-Alive: 1\nUpgrade: h2c\nAuthorization: Bearer x");
    }

    @Test
    void response_heads() throws Exception {
        Fuzz.run(
                "response-head",
                input -> {
                    MultiMap map = MultiMap.caseInsensitiveMultiMap();
                    try {
                        fields(input).forEach(field -> map.add(field.getKey(), field.getValue()));
                    } catch (IllegalArgumentException notFromADecoder) {
                        return 0;
                    }
                    ResponseHead head;
                    try {
                        head = ResponseHead.of(200 + (input.length & 255), map, "http://a");
                    } catch (GatewayException refused) {
                        check(refused.failure().status() == 502, "status " + refused.failure());
                        return 1;
                    }
                    for (int i = 0; i < head.headers().size(); i++) {
                        String name = head.headers().name(i);
                        check(Fields.ofResponse(name) == Fields.Kind.END_TO_END, "passes: " + name);
                    }
                    return head.headers().size() * 4 + Long.signum(head.length()) + 2;
                },
                "Content-Length: 3\nConnection: close, X-Own\nX-Own: 1\nSet-Cookie: a=b",
                "Transfer-Encoding: chunked\nTrailer: X-Sum\nKeep-Alive: timeout=5\nContent-Type: text/plain",
                "content-length: 3\ncontent-length: 3\nProxy-Authenticate: Basic");
    }

    @Test
    void trailers() throws Exception {
        Route route =
                Route.builder("all").to("x").trailers("X-Sum", "grpc-status").build();
        Fuzz.run(
                "trailers",
                input -> {
                    Headers passed = TrailerFields.of(fields(input), route.trailers());
                    for (int i = 0; i < passed.size(); i++) {
                        String name = passed.name(i).toLowerCase(java.util.Locale.ROOT);
                        check(name.equals("x-sum") || name.startsWith("grpc-"), name);
                    }
                    return passed.size();
                },
                "X-Sum: 1\nContent-Length: 3\nHost: a\ngrpc-status: 0\ngrpc-message: ok",
                "Authorization: x\nx-sum: a\nX-Sum: b");
    }

    @Test
    void lists_of_tokens() throws Exception {
        Fuzz.run(
                "tokens",
                input -> {
                    String list = text(input);
                    List<String> tokens = Tokens.of(list);
                    for (String token : tokens) {
                        check(
                                !token.isEmpty()
                                        && token.indexOf(',') < 0
                                        && token.strip().equals(token),
                                token);
                    }
                    check(tokens.isEmpty() || Tokens.contains(list, tokens.get(tokens.size() - 1)), list);
                    return tokens.size();
                },
                "keep-alive, x-hop",
                ",, close ,\t,Close");
    }

    @Test
    void forwarded_for() throws Exception {
        Fuzz.run(
                "forwarded-for",
                ListenerFuzz.forwardedFor(),
                "192.0.2.1, 10.0.0.2",
                "[2001:db8::1]:80, fd00::1, unknown",
                "10.0.0.1:1,10.0.0.2",
                "a, ::1");
    }

    @Test
    void retry_after() throws Exception {
        Instant now = Instant.parse("2026-11-21T10:00:00Z");
        Fuzz.run(
                "retry-after",
                input -> {
                    long nanos = RetryAfter.nanos(text(input), now);
                    check(nanos >= -1, "" + nanos);
                    return Long.signum(nanos) + (input.length & 31) * 4;
                },
                "120",
                "Sat, 21 Nov 2026 10:00:30 GMT",
                "99999999999");
    }

    @Test
    void queries_and_cookies() throws Exception {
        Fuzz.run(
                "query",
                input -> {
                    Request request;
                    try {
                        request = Request.of("GET", "/").withQuery(text(input));
                    } catch (IllegalArgumentException refused) {
                        return 0;
                    }
                    List<String> all = request.queryParameters("a");
                    String first = request.queryParameter("a");
                    check(all.isEmpty() ? first == null : all.get(0).equals(first), all + " and " + first);
                    return 1 + all.size() * 64 + (first == null ? 0 : first.length() & 63);
                },
                "a=b&c=%61+%zz&a",
                "%61=1&a%=2;a=3",
                "a=%c3%a4%ff%f0%9f%98%80");
        Fuzz.run(
                "cookie",
                input -> {
                    Request request;
                    try {
                        request = Request.of("GET", "/").withHeader("Cookie", text(input));
                    } catch (IllegalArgumentException refused) {
                        return 0;
                    }
                    String value = request.cookie("a");
                    check(value == null || value.indexOf(';') < 0, "" + value);
                    return value == null ? 1 : 2 + value.length();
                },
                "a=b; c=\"d\"; a=e",
                " b=a;a=;a",
                "aa=1; a=\"\"");
    }

    @Test
    void names_and_values_of_fields() throws Exception {
        Fuzz.run(
                "headers",
                input -> {
                    String text = text(input);
                    int colon = text.indexOf(':');
                    Headers headers;
                    try {
                        headers = Headers.builder()
                                .add(text.substring(0, Math.max(0, colon)), text.substring(colon + 1))
                                .build();
                    } catch (IllegalArgumentException refused) {
                        return String.valueOf(refused.getMessage())
                                        .replaceAll("[^a-z]+", "")
                                        .hashCode()
                                & 63;
                    }
                    String value = headers.value(0);
                    for (int i = 0; i < value.length(); i++) {
                        char c = value.charAt(i);
                        check((c >= ' ' && c != 127) || c == '\t', "0x" + Integer.toHexString(c));
                    }
                    check(headers.get(headers.name(0)).equals(value), "get");
                    return 64 + value.length();
                },
                "X-A: b c",
                "Set-Cookie:a=\\xe4",
                "a!#$%&'*+-.^_`|~9:\\x09x");
    }

    @Test
    void endpoint_addresses() throws Exception {
        Fuzz.run(
                "endpoint",
                input -> {
                    String text = text(input);
                    String problem = EndpointAddress.problem(text);
                    EndpointAddress address;
                    try {
                        address = EndpointAddress.of(text);
                    } catch (IllegalArgumentException refused) {
                        check(problem != null, text);
                        return 0;
                    }
                    check(problem == null, "" + problem);
                    check(EndpointAddress.of(address.toString()).equals(address), "read again: " + address);
                    return address.toString().length();
                },
                "http://10.0.0.7:8081",
                "https://svc.example",
                "http://[2001:db8::1]:80",
                "http://a/b?c#d",
                "http://127.1:0");
    }

    @Test
    void websockets() throws Exception {
        Fuzz.run(
                "websocket-frames",
                MessageFuzz.frames(),
                "\\x00\\x81\\x05Hello",
                "\\x00\\x01\\x03Hel\\x80\\x02lo",
                "\\x01\\x81\\x85\\x37\\xfa\\x21\\x3d\\x7f\\x9f\\x4d\\x51\\x58",
                "\\x00\\x88\\x05\\x03\\xe8bye",
                "\\x02\\xc2\\x7e\\x00\\x7e" + "a".repeat(126),
                "\\x00\\x89\\x00\\x8a\\x01x\\x81\\x02\\xc3\\xa4");
        Fuzz.run(
                "utf8",
                MessageFuzz.utf8(),
                "a\\xc3\\xa4\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80",
                "\\xed\\xa0\\x80",
                "abcdefgh\\xf4\\x8f\\xbf\\xbf");
        Fuzz.run(
                "websocket-handshake",
                MessageFuzz.handshakes(),
                "permessage-deflate; client_max_window_bits, x-own\\x0achat, superchat\\x0apermessage-deflate; a=\"b,c\"",
                "permessage-deflate\\x0a\\x0apermessage-deflate, permessage-deflate",
                "x; q=\"a\\x5c\"b\"\\x0aa,b",
                "permessage-deflate\\x0aa\\x0a,permessage-deflate;a !=\"b, c\"\"b,c\"perm)ssc\"perm\"");
    }

    @Test
    void grpc() throws Exception {
        Fuzz.run(
                "grpc-messages",
                MessageFuzz.grpcMessages(),
                "\\x00\\x00\\x00\\x00\\x02hi\\x01\\x00\\x00\\x00\\x00",
                "\\x00\\x00\\x00\\x03\\xe9");
        Fuzz.run("grpc-timeout", PipelineFuzz.grpcTimeout(), "100m", "1S", "99999999H", "0n", "12345678u", "1M");
        Fuzz.run("grpc-status", ForwardFuzz.grpcStatus(), "0", "14", "007", "-1");
    }

    @Test
    void http2_and_the_proxy_protocol() throws Exception {
        Fuzz.run(
                "http2-frame-heads",
                ListenerFuzz.frameHeads(),
                "\\x00\\x00\\x01\\x01\\x05\\x00\\x00\\x00\\x01\\x82\\x00\\x00\\x04\\x03\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x08",
                "\\x00\\x00\\x00\\x04\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x09\\x04\\x00\\x00\\x00\\x03ab",
                "\\x00\\x00\\x08\\x07\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x05\\x00\\x00\\x00\\x0b");
        Fuzz.run(
                "http2-fields",
                ListenerFuzz.fields(),
                "x-a:b c",
                "connection:close",
                ":path:/a",
                "te:trailers",
                "x-A: b ");
        Fuzz.run(
                "http2-head",
                ListenerFuzz.http2Heads(),
                ":method:GET\\x0a:scheme:https\\x0a:path:/a?b\\x0a:authority:a.example\\x0acookie:a=b\\x0acookie:c=d\\x0ate:trailers",
                ":method:POST\\x0a:scheme:HTTPS\\x0a:path:*\\x0ahost:a.example:80\\x0acontent-length:3",
                ":method:GET\\x0a:scheme:https\\x0a:path:/\\x0a:authority:A\\x0ahost:a\\x0aconnection:close\\x0a:x:y",
                ":method:GET\\x0a:scheme:https\\x0a:path:/\\x0a:authority:a\\x0acookie:a=b\\x0acookie:");
        Fuzz.run(
                "proxy-header",
                ListenerFuzz.proxyHeader(),
                "PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\\x0d\\x0aGET",
                "PROXY TCP6 2001:db8::1 ::1 1 65535\\x0d\\x0a",
                "PROXY UNKNOWN what ever\\x0d\\x0a",
                "\\x0d\\x0a\\x0d\\x0a\\x00\\x0d\\x0aQUIT\\x0a\\x21\\x11\\x00\\x0c\\xc0\\x00\\x02\\x01\\xc0\\x00\\x02\\x02\\x03\\xe8\\x01\\xbb",
                "\\x0d\\x0a\\x0d\\x0a\\x00\\x0d\\x0aQUIT\\x0a\\x20\\x00\\x00\\x00");
    }

    @Test
    void registries() throws Exception {
        Fuzz.run(
                "endpoint-slices",
                DiscoveryFuzz.slices(),
                "{\"metadata\":{\"name\":\"a\"},\"ports\":[{\"name\":\"web\",\"port\":80}],\"addressType\":\"IPv4\",\"endpoints\":"
                        + "[{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":true},\"zone\":\"z\",\"nodeName\":\"n\"},"
                        + "{\"addresses\":[\"2001:db8::1\"],\"conditions\":{\"ready\":false,\"serving\":true}}]}",
                "{\"ports\":[{\"port\":1}],\"endpoints\":[{\"addresses\":[\"a.example\"]}]}",
                "[{\"a\":null}]");
        Fuzz.run(
                "kubernetes",
                DiscoveryFuzz.kubernetes(),
                "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"metadata\":{\"name\":\"a\"},\"ports\":[{\"port\":80}],"
                        + "\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]}]}]}\\x0a{\"type\":\"DELETED\",\"object\":{\"metadata\":"
                        + "{\"name\":\"a\",\"resourceVersion\":\"8\"}}}",
                "{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"p\"},\"items\":[]}\\x0a410\\x0a500\\x0a{\"metadata\":"
                        + "{\"resourceVersion\":\"9\"},\"items\":[]}\\x0a{\"type\":\"ADDED\",\"object\":{\"metadata\":"
                        + "{\"resourceVersion\":\"10\"},\"ports\":[{\"port\":1}],\"endpoints\":[{\"addresses\":[\"::1\"]}]}}",
                "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{}]}\\x0a{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":"
                        + "{\"resourceVersion\":\"2\"}}}\\x0a{\"type\":\"ERROR\",\"object\":{\"code\":410}}");
        Fuzz.run(
                "consul",
                DiscoveryFuzz.consul(),
                "12\\x0a[{\"Node\":{\"Address\":\"10.0.0.1\",\"Datacenter\":\"d\"},\"Service\":{\"ID\":\"a\",\"Address\":\"\",\"Port\":80,"
                        + "\"Meta\":{\"m\":\"n\"},\"Weights\":{\"Passing\":3}}}]",
                "-1\\x0a[{\"Service\":{\"Address\":\"2001:db8::1\",\"Port\":65536}}]",
                "x\\x0a[]",
                "\\x0a{}");
        Fuzz.run(
                "eureka",
                DiscoveryFuzz.eureka(),
                "{\"application\":{\"instance\":{\"status\":\"UP\",\"ipAddr\":\"10.0.0.1\",\"hostName\":\"a.example\",\"port\":"
                        + "{\"$\":80,\"@enabled\":\"true\"},\"securePort\":{\"$\":\"443\",\"@enabled\":\"false\"},"
                        + "\"metadata\":{\"@class\":\"x\",\"zone\":\"z\"}}}}",
                "{\"application\":{\"instance\":[{\"status\":\"DOWN\"},{\"status\":\"UP\",\"hostName\":\"b\",\"port\":{\"$\":1}}]}}",
                "{\"application\":{}}");
        Fuzz.run(
                "endpoint-file",
                DiscoveryFuzz.file(),
                "[\"http://10.0.0.7:8081\",{\"uri\":\"https://a.example\",\"weight\":3,\"labels\":{\"zone\":\"z\"}}]",
                "[{\"uri\":\"http://[::1]:1\",\"weight\":10001}]",
                "{}");
        Fuzz.run("srv-endpoints", DiscoveryFuzz.services(), "a.example", "10.0.0.1", "::1", "a b/c?d", "\\xc3\\xa4");
        Fuzz.run(
                "srv-record",
                RuntimeFuzz.srvRecords(),
                "\\x00\\x01\\x00\\x02\\x00\\x50\\x01a\\x07example\\x00",
                "\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
                "\\x00\\x00\\x00\\x00\\x00\\x50\\xc0\\x06\\x01a\\xc0\\x08");
    }

    @Test
    void certificates_and_keys() throws Exception {
        Fuzz.run(
                "pem",
                TlsFuzz.pem(),
                "-----BEGIN CERTIFICATE-----\\x0a" + CERTIFICATE + "\\x0a-----END CERTIFICATE-----\\x0a",
                // A key of zeros.
                "-----BEGIN PRIVATE KEY-----\\x0aMC4CAQAwBQYDK2VwBCIEI" + "A".repeat(43)
                        + "\\x0a-----END PRIVATE KEY-----\\x0a",
                "-----BEGIN RSA PRIVATE KEY-----\\x0aMAA=\\x0a-----END RSA PRIVATE KEY-----",
                "-----BEGIN A----------END A-----",
                "-----BEGIN A--------END A-----",
                // An Ed25519 key of no bytes, which the JDK does not expect.
                "-----BEGIN CERTIFICATE-----"
                        + "MIIBLDCB36ADAgECAghufiRNN9l88TAFBgMrZXAwDDEKMAgGA1UEAxMBYTAgFw0yNjExMjEyMjQyNDVaGA8yMDgxMD"
                        + "gyNDIyNDI0NVowDDEKMAgGA1UEAxMBYTAqMAUGAytlcAMBAGKj3+TRk4w6e2bVxdJ6T4FB1EWAZ5PKP91RYSzRuMlx"
                        + "o10wWzAdBgNVHQ4EFgQUzSbxZVUHbF2z8YAIh4uOmbmAof4wOgYDVR0RBDMwMYIJYS5leGFtcGxlggsqLmIuZXhhbX"
                        + "BsZYYMc3BpZmZlOi8vYS9igQNhQGKHBAoAAAEwBQYDK2VwA0EAIQ2rCWsrrlrq85LGl3+pPCVfwexH3fE0Bu5GYdL8"
                        + "SNroh5v0JPe2WOUdK5lcLACmrzyPRzRQRvjP3QRSfK9TDg=="
                        + "-----END CERTIFICATE-----");
        Fuzz.run("certificate", TlsFuzz.certificates(), certificate());
        Fuzz.run("certificate-principal", PipelineFuzz.certificates(), certificate());
    }

    @Test
    void traces() throws Exception {
        Fuzz.run(
                "tracestate",
                ObserveFuzz.traceState(),
                "a=b,c@d=e f",
                "rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE",
                "a=1\na=2");
        Fuzz.run(
                "traceparent",
                ObserveFuzz.traceParent(),
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what");
        Fuzz.run(
                "redaction",
                ObserveFuzz.redaction(),
                "https://a:b@c/d?token=e#f",
                "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
                "a=b&password=c");
        Fuzz.run(
                "json-line",
                ObserveFuzz.jsonLine(),
                "a\"b\\x5c\\x0a\\x1b[0m",
                "${jndi:x}",
                "\\xf0\\x9f\\x98\\x80\\xed\\xa0\\x80\\xff");
        Fuzz.run("proxy-status", ObserveFuzz.proxyStatus(), "edge", "my edge", "a\"b\\x5c;,\\x0d\\x0aX: y", "\\xe4*");
    }

    @Test
    void templates_patterns_and_edits_of_the_configuration() throws Exception {
        Fuzz.run("template", RoutingFuzz.template(), "/a/{b}/{c...}", "/a/{id}.json", "/\\xe4/%41/*");
        Fuzz.run("prefix", RoutingFuzz.prefix(), "/a/b/", "/", "/%7e");
        Fuzz.run("expansion", RoutingFuzz.expansion(), "/v2/{a}/x/{b...}", "/{a}{b}", "/a}");
        Fuzz.run("regex", RoutingFuzz.regex(), "/g/(?P<a>[^/]*)-(?P<b>.*)", "/(a+)+b|[x-z]{2,3}?", "/\\d+(?i)x");
        Fuzz.run("host-pattern", RoutingFuzz.host(), "*.a.example", "A.example", "[::1]", "xn--a");
        Fuzz.run("cidr", RoutingFuzz.cidr(), "10.0.0.0/8", "2001:db8::/32", "::ffff:1.2.3.4/128", "1.2.3.4");
        Fuzz.run(
                "path-variables",
                RoutingFuzz.variables(),
                "/a/b/x/c/y/d/e",
                "/a/%2525/x/%c3%a4/y/",
                "/a/%ff/x/+./y/%2Fz/y");
        Fuzz.run("query-edits", RoutingFuzz.queryEdits(), "a=b&other=c", "a%20b=1&a+b=2&other", "%61=x;other=y&&");
    }
}
