package dev.postern.runtime.message;

import io.netty.util.AsciiString;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the gateway knows of single header fields: which belong to one hop, which it writes itself. */
public final class Fields {
    /** Fields whose value may not be stripped by a client naming them in {@code Connection} (reliability T039). */
    private static final Set<String> PROTECTED = Set.of(
            "host",
            "content-length",
            "content-type",
            "authorization",
            "cookie",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-port",
            "x-forwarded-prefix",
            "x-real-ip",
            "x-request-id",
            "forwarded",
            "via",
            "traceparent",
            "tracestate");

    private Fields() {}

    /** What a field means for whoever passes a message on. */
    public enum Kind {
        /** Passed on. */
        END_TO_END,
        /** Ends here: RFC 9110 7.6.1. */
        HOP_BY_HOP,
        /** The list that names further fields that end here. */
        CONNECTION,
        /** Framing: read here, written anew. */
        CONTENT_LENGTH,
        /** Framing: read here, written anew. */
        TRANSFER_ENCODING,
        /** Read here, written anew. */
        HOST,
        /** Answered here, never passed on. */
        EXPECT,
        /** Says who the client is or what it asked for; only the gateway may say that. */
        IDENTITY,
        /**
         * Dropped without a word: {@code Proxy} becomes an environment variable of CGI programs (httpoxy); others change the
         * method or the path behind the back of the route that was matched.
         */
        DANGEROUS
    }

    /** The kind of a request field. A switch over the length leaves one comparison for most fields and none for many. */
    public static Kind ofRequest(CharSequence name) {
        // T042: all names of this family are identity, those of other proxies' making too.
        if (name.length() >= 13 && AsciiString.regionMatches(name, true, 0, "x-forwarded-", 0, 12)) {
            return Kind.IDENTITY;
        }
        return switch (name.length()) {
            case 2 -> is(name, "te") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 4 -> is(name, "host") ? Kind.HOST : Kind.END_TO_END;
            case 5 -> is(name, "proxy") ? Kind.DANGEROUS : Kind.END_TO_END;
            case 6 -> is(name, "expect") ? Kind.EXPECT : Kind.END_TO_END;
            case 7 -> is(name, "upgrade") || is(name, "trailer") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 9 -> is(name, "forwarded") || is(name, "x-real-ip") ? Kind.IDENTITY : Kind.END_TO_END;
            case 10 ->
                is(name, "connection") ? Kind.CONNECTION : is(name, "keep-alive") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 11 -> is(name, "client-cert") || is(name, "x-client-ip") ? Kind.IDENTITY : Kind.END_TO_END;
            case 12 -> is(name, "x-request-id") ? Kind.IDENTITY : Kind.END_TO_END;
            case 13 ->
                is(name, "x-rewrite-url") || is(name, "x-client-cert") || is(name, "x-http-method")
                        ? Kind.DANGEROUS
                        : Kind.END_TO_END;
            case 14 ->
                is(name, "content-length")
                        ? Kind.CONTENT_LENGTH
                        : is(name, "x-original-url") || is(name, "true-client-ip") || is(name, "http2-settings")
                                ? Kind.DANGEROUS
                                : Kind.END_TO_END;
            case 16 -> is(name, "proxy-connection") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 17 ->
                is(name, "transfer-encoding")
                        ? Kind.TRANSFER_ENCODING
                        : is(name, "client-cert-chain")
                                ? Kind.IDENTITY
                                : is(name, "x-method-override") ? Kind.DANGEROUS : Kind.END_TO_END;
            case 19 -> is(name, "proxy-authorization") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 22 -> is(name, "x-http-method-override") ? Kind.DANGEROUS : Kind.END_TO_END;
            default -> Kind.END_TO_END;
        };
    }

    /** The kind of a response field. */
    public static Kind ofResponse(CharSequence name) {
        return switch (name.length()) {
            case 7 -> is(name, "upgrade") || is(name, "trailer") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 10 ->
                is(name, "connection") ? Kind.CONNECTION : is(name, "keep-alive") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 14 -> is(name, "content-length") ? Kind.CONTENT_LENGTH : Kind.END_TO_END;
            case 16 -> is(name, "proxy-connection") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            case 17 -> is(name, "transfer-encoding") ? Kind.TRANSFER_ENCODING : Kind.END_TO_END;
            case 18 -> is(name, "proxy-authenticate") ? Kind.HOP_BY_HOP : Kind.END_TO_END;
            default -> Kind.END_TO_END;
        };
    }

    /** Whether a line of {@code TE} says that trailers are welcome: the one thing it may say that concerns us. */
    public static boolean welcomesTrailers(@Nullable String te) {
        return te != null && Tokens.contains(te, "trailers");
    }

    /** Whether a request may have one line of this field only: with two, readers disagree which counts (T046). */
    public static boolean isSingle(CharSequence name) {
        return switch (name.length()) {
            case 5 -> is(name, "range");
            case 6 -> is(name, "origin");
            case 7 -> is(name, "referer");
            case 9 -> is(name, "x-api-key");
            case 10 -> is(name, "user-agent");
            case 11 -> is(name, "traceparent");
            case 12 -> is(name, "content-type") || is(name, "max-forwards");
            case 13 -> is(name, "authorization");
            case 17 -> is(name, "if-modified-since");
            case 19 -> is(name, "if-unmodified-since");
            default -> false;
        };
    }

    /** Whether a client may not name this field in {@code Connection}. */
    public static boolean isProtected(String name) {
        return PROTECTED.contains(name.toLowerCase(Locale.ROOT));
    }

    private static boolean is(CharSequence name, String other) {
        return AsciiString.contentEqualsIgnoreCase(name, other);
    }
}
