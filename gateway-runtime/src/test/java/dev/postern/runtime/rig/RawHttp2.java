package dev.postern.runtime.rig;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersEncoder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;

/**
 * One side of an HTTP/2 connection, frame by frame: sends whatever it is told, checks nothing, and keeps what comes, by
 * stream. Reading acknowledges SETTINGS and PING and gives windows back, unless told not to. Waits at most ten seconds.
 */
public final class RawHttp2 implements AutoCloseable {
    /** Frame types of RFC 9113 6. */
    public static final int DATA = 0;

    public static final int HEADERS = 1;
    public static final int PRIORITY = 2;
    public static final int RST_STREAM = 3;
    public static final int SETTINGS = 4;
    public static final int PUSH_PROMISE = 5;
    public static final int PING = 6;
    public static final int GOAWAY = 7;
    public static final int WINDOW_UPDATE = 8;
    public static final int CONTINUATION = 9;

    /** Flags. */
    public static final int END_STREAM = 1;

    public static final int ACK = 1;
    public static final int END_HEADERS = 4;

    /** Error codes of RFC 9113 7. */
    public static final long NO_ERROR = 0;

    public static final long PROTOCOL_ERROR = 1;
    public static final long INTERNAL_ERROR = 2;
    public static final long REFUSED_STREAM = 7;
    public static final long CANCEL = 8;
    public static final long ENHANCE_YOUR_CALM = 11;

    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    /** One frame. */
    public record Frame(int type, int flags, int stream, byte[] payload) {
        /** Whether a flag is set. */
        public boolean has(int flag) {
            return (flags & flag) != 0;
        }

        /** Four bytes of the payload as a number. */
        public long number(int offset) {
            return ByteBuffer.wrap(payload).getInt(offset) & 0xffff_ffffL;
        }
    }

    /** What has come on one stream. */
    public static final class Stream {
        private final int id;
        private final List<Map.Entry<String, String>> head = new ArrayList<>();
        private final List<Map.Entry<String, String>> trailers = new ArrayList<>();
        private final List<List<Map.Entry<String, String>>> interim = new ArrayList<>();
        private final ByteArrayOutputStream body = new ByteArrayOutputStream();
        private volatile boolean ended;
        private volatile long reset = -1;

        private Stream(int id) {
            this.id = id;
        }

        /** The number. */
        public int id() {
            return id;
        }

        /** The status of a response. */
        public int status() {
            return Integer.parseInt(header(":status"));
        }

        /** The first value of a field of the head, pseudo-header fields included, or null. */
        public String header(String name) {
            return first(head, name);
        }

        /** All values of a field of the head. */
        public List<String> headers(String name) {
            return head.stream()
                    .filter(field -> field.getKey().equals(name))
                    .map(Map.Entry::getValue)
                    .toList();
        }

        /** The fields of the head, in order. */
        public List<Map.Entry<String, String>> head() {
            return head;
        }

        /** A trailer field, or null. */
        public String trailer(String name) {
            return first(trailers, name);
        }

        /** The trailer fields. */
        public List<Map.Entry<String, String>> trailers() {
            return trailers;
        }

        /** The heads of interim responses. */
        public List<List<Map.Entry<String, String>>> interim() {
            return interim;
        }

        /** The body so far. */
        public byte[] bytes() {
            return body.toByteArray();
        }

        /** The body so far as text. */
        public String text() {
            return body.toString(StandardCharsets.UTF_8);
        }

        /** Whether the other side has ended it. */
        public boolean ended() {
            return ended;
        }

        /** The code the other side has reset it with, or -1. */
        public long reset() {
            return reset;
        }

        /** Whether nothing more comes. */
        public boolean over() {
            return ended || reset >= 0;
        }

        private static String first(List<Map.Entry<String, String>> fields, String name) {
            return fields.stream()
                    .filter(field -> field.getKey().equals(name))
                    .map(Map.Entry::getValue)
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public String toString() {
            return "stream " + id + " " + head + " " + body.size() + " bytes, trailers " + trailers
                    + (ended ? ", ended" : "") + (reset >= 0 ? ", reset " + reset : "");
        }
    }

    private final Socket socket;
    private final InputStream in;
    private final DefaultHttp2HeadersEncoder encoder =
            new DefaultHttp2HeadersEncoder(Http2HeadersEncoder.NEVER_SENSITIVE, true);
    private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(false, 1 << 20);
    private final Map<Integer, Stream> streams = new ConcurrentHashMap<>();
    private final List<Frame> frames = new ArrayList<>();
    private final Windows windows = new Windows();
    private ByteArrayOutputStream block = new ByteArrayOutputStream();
    private boolean givesWindow = true;
    private boolean keepsFrames;
    private int nextStream = 1;
    private Frame goAway;
    private boolean settled;
    private int pongs;

    /** Speaks over this socket; sends nothing yet. */
    public RawHttp2(Socket socket) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(10_000);
        socket.setTcpNoDelay(true);
        in = socket.getInputStream();
    }

    /** A client: preface and empty SETTINGS are sent. */
    public static RawHttp2 client(Socket socket, int... settings) throws IOException {
        RawHttp2 client = new RawHttp2(socket);
        client.bytes(PREFACE).settings(settings);
        return client;
    }

    /** A client over loopback. */
    public static RawHttp2 client(int port, int... settings) throws IOException {
        return client(new Socket("127.0.0.1", port), settings);
    }

    /** A server: the client's preface is read and SETTINGS are sent. */
    static RawHttp2 server(Socket socket, int... settings) throws IOException {
        RawHttp2 server = new RawHttp2(socket);
        byte[] preface = server.in.readNBytes(PREFACE.length);
        if (!Arrays.equals(preface, PREFACE)) {
            throw new IOException("not HTTP/2: " + new String(preface, StandardCharsets.ISO_8859_1));
        }
        return server.settings(settings);
    }

    // ---- out

    /** Sends bytes. */
    public synchronized RawHttp2 bytes(byte[]... parts) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        socket.getOutputStream().write(all.toByteArray());
        socket.getOutputStream().flush();
        return this;
    }

    /** A frame as bytes. */
    public static byte[] frame(int type, int flags, int stream, byte... payload) {
        return ByteBuffer.allocate(9 + payload.length)
                .putInt(payload.length << 8 | type)
                .put((byte) flags)
                .putInt(stream)
                .put(payload)
                .array();
    }

    /** Sends one frame. */
    public RawHttp2 send(int type, int flags, int stream, byte... payload) throws IOException {
        return bytes(frame(type, flags, stream, payload));
    }

    /** A number as four bytes. */
    public static byte[] number(long value) {
        return ByteBuffer.allocate(4).putInt((int) value).array();
    }

    /** Sends SETTINGS: identifiers and values alternate. */
    public RawHttp2 settings(int... pairs) throws IOException {
        ByteBuffer payload = ByteBuffer.allocate(pairs.length / 2 * 6);
        for (int i = 0; i < pairs.length; i += 2) {
            payload.putShort((short) pairs[i]).putInt(pairs[i + 1]);
        }
        return send(SETTINGS, 0, 0, payload.array());
    }

    /** A header block; names and values alternate. The connection's table goes along, so what is made has to be sent. */
    public byte[] block(String... fields) {
        Http2Headers headers = new DefaultHttp2Headers(false);
        for (int i = 0; i < fields.length; i += 2) {
            headers.add(latin(fields[i]), latin(fields[i + 1]));
        }
        ByteBuf out = Unpooled.buffer();
        try {
            encoder.encodeHeaders(3, headers, out);
        } catch (Http2Exception impossible) {
            throw new IllegalStateException(impossible);
        }
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        return bytes;
    }

    private static CharSequence latin(String text) {
        return new io.netty.util.AsciiString(text.getBytes(StandardCharsets.ISO_8859_1), false);
    }

    /** A header block of literals that are in no table, as they stand. */
    public static byte[] literals(String... fields) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < fields.length; i += 2) {
            out.write(0);
            literal(out, fields[i]);
            literal(out, fields[i + 1]);
        }
        return out.toByteArray();
    }

    private static void literal(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        int rest = bytes.length;
        if (rest < 127) {
            out.write(rest);
        } else {
            out.write(127);
            for (rest -= 127; rest >= 128; rest >>= 7) {
                out.write(rest & 127 | 128);
            }
            out.write(rest);
        }
        out.writeBytes(bytes);
    }

    /** Sends a complete head. */
    public RawHttp2 headers(int stream, boolean end, String... fields) throws IOException {
        return send(HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, block(fields));
    }

    /** Sends content. */
    public RawHttp2 data(int stream, boolean end, String text) throws IOException {
        return data(stream, end, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends content of up to 16 KiB a frame. */
    public RawHttp2 data(int stream, boolean end, byte[] content) throws IOException {
        int from = 0;
        do {
            int to = Math.min(content.length, from + 16_384);
            boolean last = to == content.length;
            send(DATA, end && last ? END_STREAM : 0, stream, Arrays.copyOfRange(content, from, to));
            from = to;
        } while (from < content.length);
        return this;
    }

    /** Sends content as fast as the other side gives window for it, reading meanwhile. */
    public RawHttp2 flow(int stream, boolean end, byte[] content) throws IOException {
        int from = 0;
        while (from < content.length) {
            long room = Math.min(windows.get(0), windows.get(stream));
            int to = (int) Math.min(content.length, from + Math.min(16_384, room));
            if (to > from) {
                boolean last = to == content.length;
                send(DATA, end && last ? END_STREAM : 0, stream, Arrays.copyOfRange(content, from, to));
                windows.merge(0, from - to, Integer::sum);
                windows.merge(stream, from - to, Integer::sum);
                from = to;
            } else if (stream(stream).reset() >= 0 || read() == null) {
                return this;
            }
        }
        return content.length > 0 ? this : data(stream, end, content);
    }

    /** Resets a stream. */
    public RawHttp2 reset(int stream, long code) throws IOException {
        return send(RST_STREAM, 0, stream, number(code));
    }

    /** Gives window; 0 is the connection's. */
    public RawHttp2 window(int stream, long bytes) throws IOException {
        return send(WINDOW_UPDATE, 0, stream, number(bytes));
    }

    // ---- as a client

    /** The number of the next stream of a client. */
    public int next() {
        int id = nextStream;
        nextStream += 2;
        return id;
    }

    /** The fields of a request in the clear, with more. */
    public static String[] request(String method, String path, String... more) {
        return request("http", method, path, more);
    }

    private static String[] request(String scheme, String method, String path, String... more) {
        List<String> all = new ArrayList<>(
                List.of(":method", method, ":scheme", scheme, ":path", path, ":authority", "localhost"));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    /** Sends a request without content and waits for its answer. */
    public Stream get(String path, String... more) throws IOException {
        int id = next();
        headers(id, true, request(scheme(), "GET", path, more));
        return await(id);
    }

    /** Sends a request with content and waits for its answer. */
    public Stream post(String path, byte[] body, String... more) throws IOException {
        int id = next();
        headers(id, false, request(scheme(), "POST", path, more));
        flow(id, true, body);
        return await(id);
    }

    private String scheme() {
        return socket instanceof javax.net.ssl.SSLSocket ? "https" : "http";
    }

    // ---- in

    /** Gives no window back for what it reads, from here on. */
    public RawHttp2 stingy() {
        givesWindow = false;
        return this;
    }

    /** Keeps every frame that it reads, from here on. */
    public RawHttp2 keepingFrames() {
        keepsFrames = true;
        return this;
    }

    /** The frames kept. */
    public List<Frame> frames() {
        return frames;
    }

    /** Reads one frame and does what a peer would; null at the end of the connection. */
    public Frame read() throws IOException {
        byte[] head;
        byte[] payload;
        try {
            head = in.readNBytes(9);
            if (head.length < 9) {
                return null;
            }
            payload = in.readNBytes((head[0] & 255) << 16 | (head[1] & 255) << 8 | head[2] & 255);
        } catch (SocketException reset) {
            return null;
        }
        int id = ByteBuffer.wrap(head).getInt(5) & 0x7fff_ffff;
        Frame frame = new Frame(head[3] & 255, head[4] & 255, id, payload);
        if (keepsFrames) {
            frames.add(frame);
        }
        take(frame);
        return frame;
    }

    private void take(Frame frame) throws IOException {
        switch (frame.type()) {
            case DATA -> {
                Stream stream = stream(frame.stream());
                stream.body.writeBytes(content(frame));
                if (givesWindow && frame.payload().length > 0) {
                    window(0, frame.payload().length);
                    if (!frame.has(END_STREAM)) {
                        window(frame.stream(), frame.payload().length);
                    }
                }
                stream.ended |= frame.has(END_STREAM);
            }
            case HEADERS -> {
                block = new ByteArrayOutputStream();
                fragment(frame, content(frame));
            }
            case CONTINUATION -> fragment(frame, frame.payload());
            case RST_STREAM -> {
                // The first counts; content that crosses it may be answered with another.
                Stream stream = stream(frame.stream());
                stream.reset = stream.reset < 0 ? frame.number(0) : stream.reset;
            }
            case SETTINGS -> {
                if (!frame.has(ACK)) {
                    initialWindow(frame.payload());
                    settled = true;
                    answer(SETTINGS);
                }
            }
            case PING -> {
                if (frame.has(ACK)) {
                    pongs++;
                } else {
                    answer(PING, frame.payload());
                }
            }
            case GOAWAY -> goAway = frame;
            case WINDOW_UPDATE -> windows.merge(frame.stream(), (int) frame.number(0), Integer::sum);
            default -> {
                // Kept if frames are kept.
            }
        }
    }

    private void initialWindow(byte[] settings) {
        for (int at = 0; at + 6 <= settings.length; at += 6) {
            if (ByteBuffer.wrap(settings).getShort(at) == 4) {
                int grown = ByteBuffer.wrap(settings).getInt(at + 2) - windows.initial;
                windows.initial += grown;
                windows.keySet().stream()
                        .filter(id -> id > 0)
                        .toList()
                        .forEach(id -> windows.merge(id, grown, Integer::sum));
            }
        }
    }

    /** What the other side is ready to take, by stream; 0 is the connection. */
    private static final class Windows extends ConcurrentHashMap<Integer, Integer> {
        private static final long serialVersionUID = 1L;
        private int initial = 65_535;

        @Override
        public Integer get(Object stream) {
            Integer known = super.get(stream);
            return known != null ? known : stream.equals(0) ? 65_535 : initial;
        }

        @Override
        public Integer merge(
                Integer stream, Integer more, BiFunction<? super Integer, ? super Integer, ? extends Integer> sum) {
            int now = get(stream) + more;
            put(stream, now);
            return now;
        }
    }

    /** Whoever is closing does not care whether it can still be told. */
    private void answer(int type, byte... payload) throws IOException {
        try {
            send(type, ACK, 0, payload);
        } catch (SocketException gone) {
            if (goAway == null) {
                throw gone;
            }
        }
    }

    private static byte[] content(Frame frame) {
        byte[] payload = frame.payload();
        int from = 0;
        int to = payload.length;
        if (frame.has(8)) {
            from = 1;
            to -= payload[0] & 255;
        }
        if (frame.type() == HEADERS && frame.has(32)) {
            from += 5;
        }
        return Arrays.copyOfRange(payload, from, to);
    }

    private void fragment(Frame frame, byte[] part) {
        block.writeBytes(part);
        Stream stream = stream(frame.stream());
        if (frame.type() == HEADERS && frame.has(END_STREAM)) {
            stream.ended = true;
        }
        if (!frame.has(END_HEADERS)) {
            return;
        }
        List<Map.Entry<String, String>> fields = new ArrayList<>();
        try {
            decoder.decodeHeaders(frame.stream(), Unpooled.wrappedBuffer(block.toByteArray()))
                    .forEach(field -> fields.add(Map.entry(
                            field.getKey().toString(), field.getValue().toString())));
        } catch (Http2Exception broken) {
            throw new IllegalStateException(broken);
        }
        String status = Stream.first(fields, ":status");
        if (status != null && status.startsWith("1")) {
            stream.interim.add(fields);
        } else if (stream.head.isEmpty()) {
            stream.head.addAll(fields);
        } else {
            stream.trailers.addAll(fields);
        }
    }

    /** The stream of this number. */
    public Stream stream(int id) {
        return streams.computeIfAbsent(id, Stream::new);
    }

    /** All streams on which something has come. */
    public List<Stream> streams() {
        return streams.values().stream()
                .sorted((a, b) -> Integer.compare(a.id, b.id))
                .toList();
    }

    /** Reads until this stream is over or the connection ends. */
    public Stream await(int id) throws IOException {
        Stream stream = stream(id);
        while (!stream.over() && read() != null) {
            // On.
        }
        return stream;
    }

    /** Reads until the head of this stream's message is in or the stream is over. */
    public Stream awaitHead(int id) throws IOException {
        Stream stream = stream(id);
        while (stream.head.isEmpty() && !stream.over() && read() != null) {
            // On.
        }
        return stream;
    }

    /** Reads until so many bytes of content have come on this stream or it is over. */
    public Stream awaitBytes(int id, int count) throws IOException {
        Stream stream = stream(id);
        while (stream.body.size() < count && !stream.over() && read() != null) {
            // On.
        }
        return stream;
    }

    /** Reads until the connection ends; the error code of the last GOAWAY, or -1. */
    public long awaitEnd() throws IOException {
        while (read() != null) {
            // On.
        }
        return goAwayCode();
    }

    /** Reads until the other side's SETTINGS are in. */
    public RawHttp2 awaitSettings() throws IOException {
        while (!settled && read() != null) {
            // On.
        }
        return this;
    }

    /** Sends PING and reads until the answer: then all that was sent before has been seen. False when the connection ends before. */
    public boolean roundTrip() throws IOException {
        int before = pongs;
        try {
            send(PING, 0, 0, new byte[8]);
        } catch (SocketException gone) {
            awaitEnd();
            return false;
        }
        while (pongs == before) {
            if (read() == null) {
                return false;
            }
        }
        return true;
    }

    /** The error code of the last GOAWAY, or -1. */
    public long goAwayCode() {
        return goAway == null ? -1 : goAway.number(4);
    }

    /** What the last GOAWAY says for people. */
    public String goAwayText() {
        return goAway == null
                ? ""
                : new String(goAway.payload(), 8, goAway.payload().length - 8, StandardCharsets.UTF_8);
    }

    /** The last stream of the last GOAWAY, or -1. */
    public long goAwayLast() {
        return goAway == null ? -1 : goAway.number(0) & 0x7fff_ffff;
    }

    /** The socket. */
    public Socket socket() {
        return socket;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
