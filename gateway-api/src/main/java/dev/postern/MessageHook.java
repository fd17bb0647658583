package dev.postern;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * Sees every message of a WebSocket before it is passed on, whole, and says what becomes of it. Given to {@link
 * Exchange#onMessage} by a filter, before it proceeds.
 *
 * <p>Called on the exchange's event loop, for one message after the other; must not block. A hook that throws, or returns
 * nothing, ends the connection with 1011. Messages are held until their last fragment has come, so twice
 * {@link WebSocketRules#maxMessageBytes} is memory for each direction of each connection; and since a compressed message could not
 * be read, {@code permessage-deflate} is not offered to the upstream when there is a hook. Control frames (ping, pong,
 * close) pass by.
 */
@FunctionalInterface
public interface MessageHook {
    /** Judges a message. */
    Verdict onMessage(Direction direction, Message message);

    /** Which way a message goes. */
    enum Direction {
        /** From the client. */
        TO_UPSTREAM,
        /** From the upstream. */
        TO_CLIENT
    }

    /** One message, complete. */
    final class Message {
        private final boolean text;
        private final byte[] content;

        private Message(boolean text, byte[] content) {
            this.text = text;
            this.content = content;
        }

        /** A text message. */
        public static Message text(String content) {
            return new Message(true, content.getBytes(StandardCharsets.UTF_8));
        }

        /** A binary message. The array is not copied and must not be changed afterwards. */
        public static Message binary(byte[] content) {
            return new Message(false, Objects.requireNonNull(content, "content"));
        }

        /** A text message of bytes that are valid UTF-8. The array is not copied and must not be changed afterwards. */
        public static Message utf8(byte[] utf8) {
            return new Message(true, Objects.requireNonNull(utf8, "utf8"));
        }

        /** Whether it is a binary message; text otherwise. */
        public boolean binary() {
            return !text;
        }

        /** The number of bytes. */
        public int length() {
            return content.length;
        }

        /** The bytes; of a text message its UTF-8. Read-only. */
        public ByteBuffer content() {
            return ByteBuffer.wrap(content).asReadOnlyBuffer();
        }

        /** The bytes as UTF-8. */
        public String text() {
            return new String(content, StandardCharsets.UTF_8);
        }

        /** Kind and length only: messages are nobody else's business. */
        @Override
        public String toString() {
            return (text ? "text" : "binary") + " message of " + content.length + " bytes";
        }
    }

    /** What becomes of a message. */
    final class Verdict {
        private static final Verdict PASS = new Verdict(0, "");
        private static final Verdict DROP = new Verdict(-1, "");

        private final int code;
        private final String reason;

        private Verdict(int code, String reason) {
            this.code = code;
            this.reason = reason;
        }

        /** It is passed on. */
        public static Verdict pass() {
            return PASS;
        }

        /** It is dropped; nobody is told. */
        public static Verdict drop() {
            return DROP;
        }

        /**
         * It is dropped and the connection closed, on both sides.
         *
         * @param code 1000, 1001, 1007 to 1009, 1011 to 1014, or 3000 to 4999 for codes of one's own
         * @param reason shown to both sides, at most 123 bytes in UTF-8; may be empty
         */
        public static Verdict close(int code, String reason) {
            boolean known = code == 1000
                    || code == 1001
                    || (code >= 1007 && code <= 1009)
                    || (code >= 1011 && code <= 1014)
                    || (code >= 3000 && code <= 4999);
            if (!known) {
                throw new IllegalArgumentException(
                        "code: " + code + " (expected: 1000, 1001, 1007 to 1009, 1011 to 1014, 3000 to 4999)");
            }
            int bytes = reason.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > 123) {
                throw new IllegalArgumentException("reason: " + bytes + " bytes (expected: at most 123)");
            }
            return new Verdict(code, reason);
        }

        /** Whether the message is passed on. */
        public boolean passes() {
            return code == 0;
        }

        /** The code to close with; 0 when the connection goes on. */
        public int closeCode() {
            return Math.max(0, code);
        }

        /** What is said with the code. */
        public String reason() {
            return reason;
        }

        @Override
        public String toString() {
            return code == 0 ? "pass" : code < 0 ? "drop" : "close " + code;
        }
    }
}
