package dev.postern.runtime.forward;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Finds where HTTP/1 responses end in raw bytes, so that no byte behind one is ever read as part of the next: a decoder keeps
 * half a head that came too early, and puts the other half behind it, which may be the answer to somebody else.
 *
 * <p>Refuses what would be framed differently by different readers. What RFC 9112 lets a proxy mend and does not touch the
 * framing (blanks before a colon, folded values, further blanks in the status line) is left to the decoder, which mends it.
 * Judges byte by byte, so that a verdict cannot depend on how the network cut the stream; keeps counters and flags only.
 *
 * <pre>
 *   IDLE ─ expect ─► STATUS ─ FIELDS ─┬─ 1xx ───────► STATUS
 *                                     ├─ none ──────► IDLE
 *                                     ├─ length ────► BODY ─► IDLE
 *                                     ├─ chunked ───► SIZE ─ DATA … trailers ─► IDLE
 *                                     └─ until the end, or an upgrade ─► OPEN
 * </pre>
 */
final class ResponseFraming {
    /** What the last byte brought. */
    enum Step {
        /** Nothing to act on. */
        MORE,
        /** The head of an interim response is complete, 100 or 103; another follows. */
        INTERIM,
        /** The same of one that a proxy has no use for. */
        NOISE,
        /** The response is complete. */
        END,
        /** Not to be understood in one way: {@link #reason()}. */
        REFUSED
    }

    private enum State {
        IDLE,
        STATUS,
        STATUS_LF,
        LINE_START,
        NAME,
        NAME_BLANK,
        VALUE,
        VALUE_LF,
        HEAD_LF,
        BODY,
        SIZE,
        EXTENSION,
        SIZE_LF,
        DATA,
        DATA_CR,
        DATA_LF,
        OPEN,
        DEAD
    }

    private enum Kind {
        PLAIN,
        LENGTH,
        CODING
    }

    /** More digits are more than anybody sends; also what the decoder takes for a chunk. */
    private static final int MAX_LENGTH_DIGITS = 18;

    private static final int MAX_CHUNK_DIGITS = 8;
    /** The gateway's decoder takes no more of a chunk's line. */
    private static final int MAX_LINE = 4096;

    private static final int MAX_TRAILERS = 64 * 1024;
    private static final int MAX_STATUS_LINE = 4096;
    private static final byte[] VERSION = "HTTP/1.".getBytes(StandardCharsets.US_ASCII);
    // Longer names and codings are none of those that are looked for.
    private static final int MAX_WORD = 24;

    private State state = State.IDLE;
    private Step step = Step.MORE;
    private @Nullable String reason;
    private boolean head;
    private final byte[] word = new byte[MAX_WORD];
    private int wordLength;
    private Kind kind = Kind.PLAIN;
    private int at;
    private int minor;
    private int status;
    private int line;
    private boolean lengthSeen;
    private boolean codingSeen;
    private boolean trailers;
    private long left;
    private int digits;

    /** A request goes out: what comes from now on is its response. */
    void expect(boolean headMethod) {
        head = headMethod;
        if (state == State.IDLE) {
            begin();
        }
    }

    /** Whether nothing is expected any more: a byte that comes is nobody's. */
    boolean isIdle() {
        return state == State.IDLE;
    }

    /** Whether the response that has just ended had a content whose length was said, if only 0. */
    boolean hadLength() {
        return state == State.IDLE && lengthSeen && !head && status != 204 && status != 304;
    }

    /** Whether a content is under way whose length was said. */
    boolean isInLength() {
        return state == State.BODY;
    }

    /** Whether a head is under way, or to come: what was seen of it so far may still be refused, or be noise. */
    boolean isInHead() {
        return state.compareTo(State.STATUS) >= 0 && state.compareTo(State.HEAD_LF) <= 0 && !trailers;
    }

    /** How many coming bytes are of a body and need not be seen; {@link Long#MAX_VALUE} for all there are. */
    long opaque() {
        return switch (state) {
            case BODY, DATA -> left;
            case OPEN -> Long.MAX_VALUE;
            default -> 0;
        };
    }

    /** Lets bytes of the body pass, at most {@link #opaque()}. */
    Step skip(long bytes) {
        if (state == State.OPEN) {
            return Step.MORE;
        }
        left -= bytes;
        if (left > 0) {
            return Step.MORE;
        }
        return state == State.BODY ? end() : to(State.DATA_CR);
    }

    /** Why a response was refused. */
    String reason() {
        return reason == null ? "" : reason;
    }

    /**
     * Judges {@code bytes} from {@code from} on, up to the first step that is not MORE or to where a body begins, and returns
     * the index behind the last byte judged; {@link #step()} is what it brought. Not while {@link #isIdle()} or
     * {@link #opaque()}. The same as {@link #next} for each byte, only faster.
     */
    int scan(byte[] bytes, int from, int to) {
        int at = from;
        step = Step.MORE;
        while (at < to && step == Step.MORE && opaque() == 0) {
            at = trailers ? at : run(bytes, at, to);
            if (at < to) {
                step = next(bytes[at++]);
            }
        }
        return at;
    }

    /** What the last {@link #scan} brought. */
    Step step() {
        return step;
    }

    /** Judges the long runs that a head consists of: bytes that change no state. Stops before any other. */
    private int run(byte[] bytes, int from, int to) {
        int at = from;
        if (state == State.NAME) {
            while (at < to && isOfName(bytes[at])) {
                append(bytes[at++]);
            }
        } else if (state == State.VALUE && kind == Kind.PLAIN) {
            while (at < to && isOfValue(bytes[at])) {
                at++;
            }
        }
        return at;
    }

    /** Judges the next byte. Not while {@link #isIdle()} or {@link #opaque()}. */
    Step next(byte b) {
        return switch (state) {
            case STATUS -> status(b);
            case STATUS_LF -> b == '\n' ? to(State.LINE_START) : refuse("status line");
            case LINE_START -> lineStart(b);
            case NAME -> name(b);
            case NAME_BLANK -> nameBlank(b);
            case VALUE -> value(b);
            case VALUE_LF -> b == '\n' ? valueEnd() : refuse("line end");
            case HEAD_LF -> b == '\n' ? headEnd() : refuse("line end");
            case SIZE -> size(b);
            case EXTENSION -> extension(b);
            case SIZE_LF -> b == '\n' ? sizeEnd() : refuse("chunk size");
            case DATA_CR -> b == '\r' ? to(State.DATA_LF) : refuse("chunk end");
            case DATA_LF -> b == '\n' ? beginChunk() : refuse("chunk end");
            default -> throw new IllegalStateException("state: " + state + " (expected: one that judges bytes)");
        };
    }

    // ---- status line

    private void begin() {
        state = State.STATUS;
        kind = Kind.PLAIN;
        at = 0;
        line = 0;
        digits = 0;
        status = 0;
        lengthSeen = false;
        codingSeen = false;
        trailers = false;
        left = 0;
    }

    /** {@code HTTP/1.1 200 OK}; between version and status, and within the reason, the decoder takes more than one blank. */
    private Step status(byte b) {
        if (++line > MAX_STATUS_LINE) {
            return refuse("status line");
        }
        if (at < VERSION.length) {
            return b == VERSION[at++] ? Step.MORE : refuse("version");
        }
        if (at == VERSION.length) {
            at++;
            minor = b - '0';
            return minor == 0 || minor == 1 ? Step.MORE : refuse("version");
        }
        if (b >= '0' && b <= '9' && digits < 3 && at == VERSION.length + 2) {
            status = status * 10 + b - '0';
            digits++;
            return Step.MORE;
        }
        if (b == ' ' || b == '\t') {
            if (digits == 0) {
                at = VERSION.length + 2;
                return Step.MORE;
            }
            at = VERSION.length + 3;
            return digits == 3 ? Step.MORE : refuse("status");
        }
        if (b == '\r' && digits == 3) {
            return status >= 100 ? to(State.STATUS_LF) : refuse("status");
        }
        // The reason: anything but a line end of its own.
        return at == VERSION.length + 3 && b != '\n' && b != '\r' ? Step.MORE : refuse("status line");
    }

    // ---- fields, of the head and of the trailers

    private Step lineStart(byte b) {
        if (trailers && ++line > MAX_TRAILERS) {
            return refuse("trailers");
        }
        if (b == '\r') {
            return to(State.HEAD_LF);
        }
        if (b == ' ' || b == '\t') {
            // Folded: fine for text, not for what says where the response ends.
            return kind == Kind.PLAIN ? to(State.VALUE) : refuse("folded framing");
        }
        wordLength = 0;
        kind = Kind.PLAIN;
        state = State.NAME;
        return name(b);
    }

    private Step name(byte b) {
        if (b == ':') {
            return wordLength == 0 ? refuse("empty name") : nameEnd();
        }
        if (b == ' ' || b == '\t') {
            return to(State.NAME_BLANK);
        }
        if (!isOfName(b)) {
            return refuse("name");
        }
        append(b);
        return count();
    }

    /** RFC 9112 5.1: a proxy removes these blanks. Not where readers who do not would frame the response differently. */
    private Step nameBlank(byte b) {
        if (b == ' ' || b == '\t') {
            return count();
        }
        boolean framing = isWord("content-length") || isWord("transfer-encoding");
        return b == ':' && !framing ? nameEnd() : refuse("blank in a name");
    }

    private Step nameEnd() {
        state = State.VALUE;
        if (trailers) {
            return Step.MORE;
        }
        if (isWord("content-length")) {
            if (lengthSeen || codingSeen) {
                return refuse("framing twice");
            }
            lengthSeen = true;
            kind = Kind.LENGTH;
        } else if (isWord("transfer-encoding")) {
            if (lengthSeen || codingSeen || minor == 0) {
                return refuse("framing twice");
            }
            codingSeen = true;
            kind = Kind.CODING;
        }
        wordLength = 0;
        return Step.MORE;
    }

    private Step value(byte b) {
        if (b == '\r') {
            return to(State.VALUE_LF);
        }
        if (!isOfValue(b)) {
            return refuse("value");
        }
        if (kind != Kind.PLAIN) {
            if (wordLength >= MAX_WORD) {
                return refuse("framing");
            }
            append(b);
        }
        return count();
    }

    private static boolean isOfName(byte b) {
        return b > ' ' && b != ':' && b != 127;
    }

    private static boolean isOfValue(byte b) {
        return b != '\r' && b != '\n' && b != 0;
    }

    private void append(byte b) {
        if (wordLength < MAX_WORD) {
            word[wordLength++] = b;
        }
    }

    private Step valueEnd() {
        state = State.LINE_START;
        return switch (kind) {
            case LENGTH -> length();
            case CODING -> isChunked() ? Step.MORE : refuse("transfer coding");
            case PLAIN -> Step.MORE;
        };
    }

    private Step length() {
        int from = trimmedStart();
        int to = trimmedEnd(from);
        if (from == to || to - from > MAX_LENGTH_DIGITS) {
            return refuse("length");
        }
        for (int i = from; i < to; i++) {
            byte c = word[i];
            if (c < '0' || c > '9') {
                return refuse("length");
            }
            left = left * 10 + c - '0';
        }
        return Step.MORE;
    }

    private boolean isChunked() {
        int from = trimmedStart();
        return isWord(from, trimmedEnd(from), "chunked");
    }

    private int trimmedStart() {
        int from = 0;
        while (from < wordLength && isBlank(word[from])) {
            from++;
        }
        return from;
    }

    private int trimmedEnd(int from) {
        int to = wordLength;
        while (to > from && isBlank(word[to - 1])) {
            to--;
        }
        return to;
    }

    private static boolean isBlank(byte c) {
        return c == ' ' || c == '\t';
    }

    private boolean isWord(String lower) {
        return isWord(0, wordLength, lower);
    }

    /** Makes no string: it is asked for every field of every response. */
    private boolean isWord(int from, int to, String lower) {
        if (to - from != lower.length()) {
            return false;
        }
        for (int i = from; i < to; i++) {
            int c = word[i];
            if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != lower.charAt(i - from)) {
                return false;
            }
        }
        return true;
    }

    private Step count() {
        return trailers && ++line > MAX_TRAILERS ? refuse("trailers") : Step.MORE;
    }

    /** RFC 9112 6.3, in its order. */
    private Step headEnd() {
        if (trailers) {
            return end();
        }
        if (status == 101) {
            return to(State.OPEN);
        }
        if (status < 200) {
            if (lengthSeen && left > 0 || codingSeen) {
                return refuse("interim response with a body");
            }
            // RFC 9110 15.2: a proxy passes on what it asked for, and may drop the rest. The decoder takes only these
            // for
            // interim ones, and any other for the response.
            boolean known = status == 100 || status == 103;
            begin();
            return known ? Step.INTERIM : Step.NOISE;
        }
        if (head || status == 204 || status == 304) {
            return end();
        }
        if (codingSeen) {
            return beginChunk();
        }
        if (!lengthSeen) {
            return to(State.OPEN);
        }
        return left == 0 ? end() : to(State.BODY);
    }

    // ---- chunks

    private Step beginChunk() {
        digits = 0;
        left = 0;
        line = 0;
        return to(State.SIZE);
    }

    private Step size(byte b) {
        int digit = b < 0 ? -1 : Character.digit(b, 16);
        if (digit >= 0) {
            left = left * 16 + digit;
            return ++digits > MAX_CHUNK_DIGITS || left > Integer.MAX_VALUE ? refuse("chunk size") : Step.MORE;
        }
        if (digits == 0) {
            return refuse("chunk size");
        }
        return b == '\r' ? to(State.SIZE_LF) : b == ';' ? to(State.EXTENSION) : refuse("chunk size");
    }

    private Step extension(byte b) {
        if (b == '\r') {
            return to(State.SIZE_LF);
        }
        return b == '\n' || b == 0 || ++line > MAX_LINE ? refuse("chunk extension") : Step.MORE;
    }

    private Step sizeEnd() {
        if (left > 0) {
            return to(State.DATA);
        }
        trailers = true;
        line = 0;
        kind = Kind.PLAIN;
        return to(State.LINE_START);
    }

    // ---- common

    private Step end() {
        state = State.IDLE;
        return Step.END;
    }

    private Step to(State next) {
        state = next;
        return Step.MORE;
    }

    private Step refuse(String why) {
        reason = why;
        state = State.DEAD;
        return Step.REFUSED;
    }
}
