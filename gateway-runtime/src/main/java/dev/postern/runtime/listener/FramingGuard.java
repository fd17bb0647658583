package dev.postern.runtime.listener;

import java.nio.charset.StandardCharsets;

/**
 * Finds the boundaries of HTTP/1.1 requests in raw bytes and refuses every byte that two parsers could read
 * differently.
 *
 * <p>It is stricter than RFC 9112 wherever the RFC leaves a choice, and it never repairs. It sees one byte at a time, so
 * a verdict cannot depend on how the network cut the stream. It keeps counters and a few flags only; nothing is
 * allocated after construction. Not checked here: method, Host, path, Expect, anything that can be seen after decoding.
 *
 * <pre>
 *   START ─ METHOD ─ TARGET ─ VERSION ─ CRLF ─┬─ name ─ ":" ─ value ─ CRLF ─┐
 *     ▲                                       └◄────────────────────────────┤
 *     │                                                                  empty line
 *     │          ┌─ BODY (length known) ◄───────────────────────────────────┤
 *     ├── end ◄──┤                                                          │
 *     │          └─ none ◄──────────────────────────────────────────────────┤
 *     └── end ◄──── trailers ◄─ "0" ─ CHUNK SIZE ◄──────────────────────────┘
 *                                     │      ▲
 *                                     └ DATA ┘
 * </pre>
 */
final class FramingGuard {

    /** What the last byte brought. */
    enum Step {
        /** Nothing to act on. */
        MORE,
        /** The head is complete and accepted; a body follows. */
        HEAD,
        /** The next {@link #opaque()} bytes are body. */
        BODY,
        /** The request is complete (with its head, if it has no body). */
        END,
        /** Refused for {@link #reason()}: nothing more will be judged. */
        REFUSED
    }

    private static final int START = 0;
    private static final int START_LF = 1;
    private static final int METHOD = 2;
    private static final int TARGET = 3;
    private static final int VERSION = 4;
    private static final int LINE_LF = 5;
    private static final int FIELD_START = 6;
    private static final int FIELD_NAME = 7;
    private static final int VALUE_START = 8;
    private static final int VALUE = 9;
    private static final int VALUE_LF = 10;
    private static final int FIELDS_LF = 11;
    private static final int BODY = 12;
    private static final int CHUNK_SIZE = 13;
    private static final int EXT_NAME = 14;
    private static final int EXT_VALUE = 15;
    private static final int EXT_TOKEN = 16;
    private static final int EXT_QUOTED = 17;
    private static final int EXT_ESCAPE = 18;
    private static final int EXT_QUOTED_END = 19;
    private static final int CHUNK_LF = 20;
    private static final int CHUNK_DATA = 21;
    private static final int DATA_CR = 22;
    private static final int DATA_LF = 23;
    private static final int DISCARD = 24;
    private static final int DEAD = 25;

    private static final int PLAIN = 0;
    private static final int LENGTH = 1;
    private static final int CODING = 2;
    private static final int CONNECTION = 3;

    private static final byte CR = '\r';
    private static final byte LF = '\n';

    // RFC 9112 7.1 has no limit. 31 bits is what the decoder takes; eight digits leave no room for padding tricks.
    private static final int MAX_CHUNK_DIGITS = 8;
    private static final long MAX_CHUNK = Integer.MAX_VALUE;

    private static final int IS_TOKEN = 1;
    private static final int IS_TARGET = 2;
    private static final int IS_VALUE = 4;
    private static final int IS_QUOTED = 8;
    private static final int IS_NAME = 16;
    private static final byte[] CLASS = classes();
    private static final byte[] HEX = hex();

    private static final byte[] HTTP = ascii("HTTP/");
    private static final byte[] CONTENT_LENGTH = ascii("content-length");
    // Vert.x 5.1.6 compares every letter of these two but the first behind "content-": to its decoder "content-xength"
    // is
    // Content-Length, and frames the body. Whoever is in front of us, and we, would not know.
    private static final byte[] CONTENT_TYPE = ascii("content-type");
    private static final byte[] CONTENT = ascii("content-");
    private static final byte[] TRANSFER_ENCODING = ascii("transfer-encoding");
    private static final byte[] CONNECTION_NAME = ascii("connection");
    // Netty reads eight bytes of body after a GET that carries one of these (the Hixie-76 handshake).
    private static final byte[] WEBSOCKET_KEY1 = ascii("sec-websocket-key1");
    private static final byte[] WEBSOCKET_KEY2 = ascii("sec-websocket-key2");
    private static final byte[] CHUNKED = ascii("chunked");
    private static final byte[] CLOSE = ascii("close");
    private static final byte[] KEEP_ALIVE = ascii("keep-alive");

    // RFC 9110 6.5.1: what frames, routes, authenticates or describes a message cannot come after it.
    private static final byte[][] NOT_IN_TRAILERS = {
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        CONNECTION_NAME,
        ascii("host"),
        ascii("authorization"),
        ascii("proxy-authorization"),
        ascii("proxy-connection"),
        ascii("proxy"),
        ascii("cookie"),
        ascii("te"),
        ascii("trailer"),
        ascii("upgrade"),
        ascii("expect"),
        ascii("keep-alive"),
        ascii("max-forwards"),
        ascii("cache-control"),
        ascii("pragma"),
        ascii("range"),
        ascii("content-encoding"),
        CONTENT_TYPE,
        ascii("content-range"),
        ascii("forwarded"),
        ascii("via"),
        ascii("x-forwarded-for"),
        ascii("x-forwarded-host"),
        ascii("x-forwarded-port"),
        ascii("x-forwarded-prefix"),
        ascii("x-forwarded-proto"),
        ascii("x-real-ip"),
        ascii("x-http-method-override"),
    };

    // Longer names and words are nothing we look for: they only have to be remembered as "too long to match".
    private static final int WORD = 32;

    private final HeadLimits limits;
    private final boolean http10Allowed;

    private int state = START;
    private Step step = Step.MORE;
    private Reason reason = Reason.REQUEST_LINE;
    private long offset;
    private long heads;
    private long messages;
    private long bodyBytes;

    private boolean blankLineSeen;
    private int lineBytes;
    private int sectionBytes;
    private int fields;
    private int versionAt;
    private int version;
    private boolean trailers;

    private final byte[] word = new byte[WORD];
    private int wordLength;
    private boolean wordBroken;
    private int kind;

    private boolean head;
    private boolean lengthSeen;
    private int lengthDigits;
    private boolean lengthEnded;
    private long length;
    private boolean codingSeen;
    private boolean chunked;
    private int codings;
    private int chunkedCodings;
    private boolean codingBroken;
    private boolean lastCodingChunked;
    private boolean close;
    private boolean keepAlive;

    private long remaining;
    private int chunkDigits;
    private int extensionBytes;
    private int extensionName;

    private FramingGuard(HeadLimits limits, boolean http10Allowed) {
        this.limits = limits;
        this.http10Allowed = http10Allowed;
    }

    /** Accepts HTTP/1.1 only; another version is 505. */
    static FramingGuard http11(HeadLimits limits) {
        return new FramingGuard(limits, false);
    }

    /** Accepts HTTP/1.0 too, without any transfer coding. */
    static FramingGuard http10AndHttp11(HeadLimits limits) {
        return new FramingGuard(limits, true);
    }

    /**
     * Judges {@code bytes} from {@code from} on, up to the first step that is not MORE, and returns the index behind the
     * last byte judged; {@link #step()} is what it brought. Only while {@link #opaque()} is 0. The same as {@link #next}
     * for each byte, only faster.
     */
    int scan(byte[] bytes, int from, int to) {
        int at = from;
        step = Step.MORE;
        while (at < to && step == Step.MORE) {
            at = run(bytes, at, to);
            if (at < to) {
                step = next(bytes[at++]);
            }
        }
        return at;
    }

    Step step() {
        return step;
    }

    /** Judges the long runs that a head consists of: bytes that change nothing but counters. Stops before any other. */
    private int run(byte[] bytes, int from, int to) {
        int left = (trailers ? limits.trailerBytes() : limits.headBytes()) - sectionBytes;
        int at = from;
        switch (state) {
            case TARGET -> {
                int end = from + Math.min(to - from, Math.min(left, limits.requestLineBytes() - lineBytes));
                while (at < end && is(bytes[at], IS_TARGET)) {
                    at++;
                }
                lineBytes += at - from;
                wordLength = at > from ? 1 : wordLength;
            }
            case FIELD_NAME -> {
                int end = from + Math.min(to - from, left);
                while (at < end && is(bytes[at], IS_NAME)) {
                    append(lower(bytes[at++]));
                }
            }
            case VALUE -> {
                if (kind != PLAIN) {
                    return from;
                }
                int end = from + Math.min(to - from, left);
                while (at < end && is(bytes[at], IS_VALUE)) {
                    at++;
                }
            }
            default -> {
                return from;
            }
        }
        sectionBytes += at - from;
        offset += at - from;
        return at;
    }

    /** Judges the next byte. Only while {@link #opaque()} is 0. */
    Step next(byte b) {
        offset++;
        return switch (state) {
            case START -> start(b);
            case START_LF -> expectLf(b, START);
            case METHOD -> method(b);
            case TARGET -> target(b);
            case VERSION -> version(b);
            case LINE_LF -> countHead() ? expectLf(b, FIELD_START) : tooLarge();
            case FIELD_START -> countSection() ? fieldStart(b) : tooLarge();
            case FIELD_NAME -> countSection() ? fieldName(b) : tooLarge();
            case VALUE_START, VALUE -> countSection() ? value(b) : tooLarge();
            case VALUE_LF -> countSection() ? valueLf(b) : tooLarge();
            case FIELDS_LF -> countSection() ? fieldsLf(b) : tooLarge();
            case CHUNK_SIZE -> chunkSize(b);
            case EXT_NAME, EXT_VALUE, EXT_TOKEN, EXT_QUOTED, EXT_ESCAPE, EXT_QUOTED_END -> extension(b);
            case CHUNK_LF -> chunkLf(b);
            case DATA_CR -> b == CR ? to(DATA_LF) : refuse(Reason.CHUNK_END);
            case DATA_LF -> b == LF ? beginChunk() : refuse(Reason.CHUNK_END);
            default -> throw new IllegalStateException("state: " + state + " (expected: one that judges bytes)");
        };
    }

    /** How many coming bytes are body and need not be seen: pass them by {@link #skip}. */
    long opaque() {
        return state == BODY || state == CHUNK_DATA ? remaining : 0;
    }

    /** Lets {@code bytes} of the body pass, at most {@link #opaque()}. */
    Step skip(long bytes) {
        if (bytes < 1 || bytes > opaque()) {
            throw new IllegalArgumentException("bytes: " + bytes + " (expected: 1.." + opaque() + ")");
        }
        offset += bytes;
        bodyBytes += bytes;
        remaining -= bytes;
        if (remaining > 0) {
            return Step.MORE;
        }
        return state == BODY ? end() : to(DATA_CR);
    }

    /** Nothing of the next request has been seen yet. */
    boolean atStart() {
        return state == START && !blankLineSeen;
    }

    /** A head has begun and is not yet accepted: its bytes must not reach the decoder. */
    boolean inHead() {
        return state < BODY && !trailers;
    }

    /** The last request asked for the end of the connection: whatever follows it is to be thrown away. */
    boolean discarding() {
        return state == DISCARD;
    }

    /** The request under way is a HEAD: an answer to it has no body. */
    boolean headMethod() {
        return head;
    }

    Reason reason() {
        return reason;
    }

    /** Bytes judged or skipped since the connection began. */
    long offset() {
        return offset;
    }

    /** Heads accepted so far. */
    long heads() {
        return heads;
    }

    /** Requests that are complete. */
    long messages() {
        return messages;
    }

    /** Body bytes so far, without chunk lines and trailers. */
    long bodyBytes() {
        return bodyBytes;
    }

    // ---- request line

    private Step start(byte b) {
        if (b == CR && !blankLineSeen) {
            // RFC 9112 2.2: one empty line before the request line is tolerated, for clients that add it after a POST.
            blankLineSeen = true;
            return to(START_LF);
        }
        if (b == LF) {
            return refuse(Reason.BARE_LF);
        }
        if (!is(b, IS_TOKEN)) {
            return refuse(Reason.REQUEST_LINE);
        }
        beginHead();
        return method(b);
    }

    private void beginHead() {
        state = METHOD;
        lineBytes = 0;
        sectionBytes = 0;
        fields = 0;
        trailers = false;
        head = false;
        lengthSeen = false;
        length = 0;
        codingSeen = false;
        chunked = false;
        close = false;
        keepAlive = false;
        extensionBytes = 0;
        wordLength = 0;
    }

    private Step method(byte b) {
        if (is(b, IS_TOKEN)) {
            append(b);
            return countLine();
        }
        if (b != ' ') {
            return refuse(b == LF ? Reason.BARE_LF : Reason.REQUEST_LINE);
        }
        head = wordLength == 4 && word[0] == 'H' && word[1] == 'E' && word[2] == 'A' && word[3] == 'D';
        versionAt = 0;
        wordLength = 0;
        state = TARGET;
        return countLine();
    }

    private Step target(byte b) {
        if (is(b, IS_TARGET)) {
            wordLength = 1;
            return countLine();
        }
        if (b != ' ' || wordLength == 0) {
            return refuse(b == ' ' || b == CR ? Reason.REQUEST_LINE : b == LF ? Reason.BARE_LF : Reason.REQUEST_TARGET);
        }
        state = VERSION;
        return countLine();
    }

    private Step version(byte b) {
        int at = versionAt++;
        if (at < HTTP.length) {
            return b == HTTP[at] ? countLine() : refuse(Reason.REQUEST_LINE);
        }
        return switch (at - HTTP.length) {
            case 0, 2 -> versionDigit(b);
            case 1 -> b == '.' ? countLine() : refuse(Reason.REQUEST_LINE);
            default -> lineEnd(b);
        };
    }

    private Step versionDigit(byte b) {
        if (b < '0' || b > '9') {
            return refuse(Reason.REQUEST_LINE);
        }
        version = (versionAt == HTTP.length + 1 ? 0 : version * 10) + b - '0';
        return countLine();
    }

    private Step lineEnd(byte b) {
        if (b != CR) {
            return refuse(b == LF ? Reason.BARE_LF : Reason.REQUEST_LINE);
        }
        if (version != 11 && !(version == 10 && http10Allowed)) {
            return refuse(Reason.VERSION);
        }
        return countHead() ? to(LINE_LF) : refuse(Reason.HEAD_TOO_LARGE);
    }

    private Step countLine() {
        if (++lineBytes > limits.requestLineBytes()) {
            return refuse(Reason.REQUEST_LINE_TOO_LONG);
        }
        return countHead() ? Step.MORE : refuse(Reason.HEAD_TOO_LARGE);
    }

    private boolean countHead() {
        return ++sectionBytes <= limits.headBytes();
    }

    // ---- fields, of the head and of the trailers

    private boolean countSection() {
        return ++sectionBytes <= (trailers ? limits.trailerBytes() : limits.headBytes());
    }

    private Step tooLarge() {
        return refuse(trailers ? Reason.TRAILER_TOO_LARGE : Reason.HEAD_TOO_LARGE);
    }

    private Step fieldStart(byte b) {
        return switch (b) {
            case CR -> to(FIELDS_LF);
            case LF -> refuse(Reason.BARE_LF);
            case ' ', '\t' -> refuse(Reason.OBS_FOLD);
            case ':' -> refuse(Reason.FIELD_NAME_EMPTY);
            default -> beginField(b);
        };
    }

    private Step beginField(byte b) {
        if (++fields > (trailers ? limits.trailerFields() : limits.fields())) {
            return refuse(trailers ? Reason.TRAILER_TOO_LARGE : Reason.TOO_MANY_FIELDS);
        }
        wordLength = 0;
        state = FIELD_NAME;
        return fieldName(b);
    }

    private Step fieldName(byte b) {
        if (b == ':') {
            return nameEnd();
        }
        if (b == '_') {
            // X_Forwarded_For and X-Forwarded-For are one variable to every CGI-like upstream.
            return refuse(Reason.FIELD_NAME_UNDERSCORE);
        }
        if (!is(b, IS_TOKEN)) {
            return refuse(
                    b == ' ' || b == '\t' ? Reason.FIELD_NAME_SPACE : b == LF ? Reason.BARE_LF : Reason.FIELD_NAME);
        }
        append(lower(b));
        return Step.MORE;
    }

    private Step nameEnd() {
        kind = PLAIN;
        state = VALUE_START;
        if (almost(CONTENT_LENGTH) || almost(CONTENT_TYPE)) {
            return refuse(Reason.FIELD_NAME_ALIAS);
        }
        if (trailers) {
            for (byte[] name : NOT_IN_TRAILERS) {
                if (wordIs(name)) {
                    return refuse(Reason.TRAILER_FORBIDDEN);
                }
            }
            return Step.MORE;
        }
        return switch (wordLength) {
            case 10 -> wordIs(CONNECTION_NAME) ? beginConnection() : Step.MORE;
            case 14 -> wordIs(CONTENT_LENGTH) ? beginLength() : Step.MORE;
            case 17 -> wordIs(TRANSFER_ENCODING) ? beginCoding() : Step.MORE;
            case 18 -> wordIs(WEBSOCKET_KEY1) || wordIs(WEBSOCKET_KEY2) ? refuse(Reason.WEBSOCKET_KEY) : Step.MORE;
            default -> Step.MORE;
        };
    }

    /** Like {@code name}, which begins with "content-", in all but the first letter behind that. */
    private boolean almost(byte[] name) {
        if (wordLength != name.length || word[0] != 'c' || word[CONTENT.length] == name[CONTENT.length]) {
            return false;
        }
        for (int i = 0; i < name.length; i++) {
            if (word[i] != name[i] && i != CONTENT.length) {
                return false;
            }
        }
        return true;
    }

    private Step value(byte b) {
        if (b == CR) {
            return to(VALUE_LF);
        }
        if (!is(b, IS_VALUE)) {
            return refuse(b == LF ? Reason.BARE_LF : Reason.FIELD_VALUE);
        }
        if (state == VALUE_START) {
            if (b == ' ' || b == '\t') {
                return Step.MORE;
            }
            state = VALUE;
        }
        return switch (kind) {
            case LENGTH -> lengthByte(b);
            case CODING, CONNECTION -> listByte(b);
            default -> Step.MORE;
        };
    }

    private Step valueLf(byte b) {
        if (b != LF) {
            return refuse(Reason.BARE_CR);
        }
        state = FIELD_START;
        return switch (kind) {
            case LENGTH -> lengthDigits == 0 ? refuse(Reason.CL_SYNTAX) : Step.MORE;
            case CODING -> codingEnd();
            case CONNECTION -> endElement();
            default -> Step.MORE;
        };
    }

    private Step beginConnection() {
        kind = CONNECTION;
        beginWord();
        return Step.MORE;
    }

    private Step beginLength() {
        if (lengthSeen) {
            return refuse(Reason.CL_REPEATED);
        }
        if (codingSeen) {
            return refuse(Reason.TE_AND_CL);
        }
        kind = LENGTH;
        lengthSeen = true;
        lengthDigits = 0;
        lengthEnded = false;
        return Step.MORE;
    }

    private Step lengthByte(byte b) {
        if (b == ' ' || b == '\t') {
            lengthEnded = true;
            return Step.MORE;
        }
        if (b < '0' || b > '9' || lengthEnded || (lengthDigits > 0 && length == 0)) {
            // Also "03": one parser's octal is another's decimal.
            return refuse(Reason.CL_SYNTAX);
        }
        int digit = b - '0';
        if (length > (Long.MAX_VALUE - digit) / 10) {
            return refuse(Reason.CL_TOO_LARGE);
        }
        lengthDigits++;
        length = length * 10 + digit;
        return Step.MORE;
    }

    private Step beginCoding() {
        if (codingSeen) {
            return refuse(Reason.TE_REPEATED);
        }
        if (version == 10) {
            return refuse(Reason.TE_HTTP10);
        }
        kind = CODING;
        codingSeen = true;
        codings = 0;
        chunkedCodings = 0;
        codingBroken = false;
        lastCodingChunked = false;
        beginWord();
        return Step.MORE;
    }

    private Step codingEnd() {
        endElement();
        if (codingBroken || !lastCodingChunked || chunkedCodings != 1) {
            return refuse(Reason.TE_FINAL);
        }
        if (codings != 1) {
            // RFC 9112 6.1: a coding we do not understand is 501, and we understand none but chunked.
            return refuse(Reason.TE_CODING);
        }
        if (lengthSeen) {
            return refuse(Reason.TE_AND_CL);
        }
        chunked = true;
        return Step.MORE;
    }

    private void beginWord() {
        wordLength = 0;
        wordBroken = false;
    }

    private Step listByte(byte b) {
        if (b == ',') {
            return endElement();
        }
        if (b == ' ' || b == '\t') {
            wordBroken = wordLength > 0;
        } else if (wordBroken || !is(b, IS_TOKEN)) {
            wordLength = WORD + 1;
            codingBroken = true;
        } else {
            append(lower(b));
        }
        return Step.MORE;
    }

    private Step endElement() {
        if (kind == CODING) {
            codings++;
            codingBroken |= wordLength == 0;
            lastCodingChunked = wordIs(CHUNKED);
            if (lastCodingChunked) {
                chunkedCodings++;
            }
        } else {
            close |= wordIs(CLOSE);
            keepAlive |= wordIs(KEEP_ALIVE);
        }
        beginWord();
        return Step.MORE;
    }

    private Step fieldsLf(byte b) {
        if (b != LF) {
            return refuse(Reason.BARE_CR);
        }
        if (trailers) {
            return end();
        }
        heads++;
        if (chunked) {
            beginChunk();
            return Step.HEAD;
        }
        if (length == 0) {
            return end();
        }
        remaining = length;
        state = BODY;
        return Step.HEAD;
    }

    // ---- chunked body

    private Step beginChunk() {
        chunkDigits = 0;
        remaining = 0;
        return to(CHUNK_SIZE);
    }

    private Step chunkSize(byte b) {
        int digit = b < 0 ? -1 : HEX[b];
        if (digit >= 0) {
            remaining = remaining * 16 + digit;
            return ++chunkDigits > MAX_CHUNK_DIGITS || remaining > MAX_CHUNK ? refuse(Reason.CHUNK_SIZE) : Step.MORE;
        }
        if (chunkDigits > 0 && b == CR) {
            return to(CHUNK_LF);
        }
        if (chunkDigits > 0 && b == ';') {
            extensionName = 0;
            return countExtension(EXT_NAME);
        }
        return refuse(b == LF ? Reason.BARE_LF : Reason.CHUNK_SIZE);
    }

    private Step extension(byte b) {
        // RFC 9112 7.1.1, without its "bad whitespace": blanks between the parts are where implementations differ.
        return switch (state) {
            case EXT_NAME -> extensionName(b);
            case EXT_VALUE -> b == '"' ? countExtension(EXT_QUOTED) : extensionToken(b);
            case EXT_TOKEN -> is(b, IS_TOKEN) ? countExtension(EXT_TOKEN) : extensionEnd(b);
            case EXT_QUOTED -> quoted(b);
            case EXT_ESCAPE -> is(b, IS_QUOTED) || b == '"' ? countExtension(EXT_QUOTED) : badExtension(b);
            default -> extensionEnd(b);
        };
    }

    private Step extensionName(byte b) {
        if (is(b, IS_TOKEN)) {
            extensionName++;
            return countExtension(EXT_NAME);
        }
        if (extensionName == 0) {
            return badExtension(b);
        }
        return b == '=' ? countExtension(EXT_VALUE) : extensionEnd(b);
    }

    private Step extensionToken(byte b) {
        return is(b, IS_TOKEN) ? countExtension(EXT_TOKEN) : badExtension(b);
    }

    private Step quoted(byte b) {
        if (b == '"') {
            return countExtension(EXT_QUOTED_END);
        }
        if (!is(b, IS_QUOTED)) {
            return badExtension(b);
        }
        return countExtension(b == '\\' ? EXT_ESCAPE : EXT_QUOTED);
    }

    private Step extensionEnd(byte b) {
        if (b == CR) {
            return to(CHUNK_LF);
        }
        if (b == ';') {
            extensionName = 0;
            return countExtension(EXT_NAME);
        }
        return badExtension(b);
    }

    private Step badExtension(byte b) {
        return refuse(b == LF ? Reason.BARE_LF : Reason.CHUNK_EXTENSION);
    }

    private Step countExtension(int next) {
        return ++extensionBytes > limits.chunkExtensionBytes() ? refuse(Reason.CHUNK_EXTENSION_TOO_LARGE) : to(next);
    }

    private Step chunkLf(byte b) {
        if (b != LF) {
            return refuse(Reason.BARE_CR);
        }
        if (remaining > 0) {
            state = CHUNK_DATA;
            return Step.BODY;
        }
        trailers = true;
        sectionBytes = 0;
        fields = 0;
        return to(FIELD_START);
    }

    // ---- common

    private Step end() {
        messages++;
        boolean last = close || (version == 10 && !keepAlive);
        state = last ? DISCARD : START;
        blankLineSeen = false;
        trailers = false;
        return Step.END;
    }

    private Step expectLf(byte b, int next) {
        return b == LF ? to(next) : refuse(Reason.BARE_CR);
    }

    private Step to(int next) {
        state = next;
        return Step.MORE;
    }

    private Step refuse(Reason why) {
        reason = why;
        state = DEAD;
        return Step.REFUSED;
    }

    private void append(byte b) {
        if (wordLength < WORD) {
            word[wordLength] = b;
        }
        if (wordLength <= WORD) {
            wordLength++;
        }
    }

    private boolean wordIs(byte[] expected) {
        if (wordLength != expected.length) {
            return false;
        }
        for (int i = 0; i < expected.length; i++) {
            if (word[i] != expected[i]) {
                return false;
            }
        }
        return true;
    }

    private static boolean is(byte b, int what) {
        return (CLASS[b & 0xff] & what) != 0;
    }

    private static byte lower(byte b) {
        return b >= 'A' && b <= 'Z' ? (byte) (b + 32) : b;
    }

    private static byte[] classes() {
        byte[] classes = new byte[256];
        for (int c = 0x20; c < 0x100; c++) {
            if (c != 0x7f) {
                classes[c] |= IS_VALUE;
            }
        }
        classes['\t'] |= IS_VALUE;
        for (int c = 0x21; c < 0x7f; c++) {
            // RFC 3986 has no place for these, and no two servers agree on what they mean.
            if ("\"<>\\^`{|}#".indexOf(c) < 0) {
                classes[c] |= IS_TARGET;
            }
            if ("\"(),/:;<=>?@[\\]{}".indexOf(c) < 0) {
                classes[c] |= IS_TOKEN;
                if (c != '_') {
                    classes[c] |= IS_NAME;
                }
            }
            if (c != '"') {
                classes[c] |= IS_QUOTED;
            }
        }
        classes[' '] |= IS_QUOTED;
        classes['\t'] |= IS_QUOTED;
        return classes;
    }

    private static byte[] hex() {
        byte[] hex = new byte[128];
        for (int c = 0; c < 128; c++) {
            hex[c] = (byte) Character.digit(c, 16);
        }
        return hex;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
