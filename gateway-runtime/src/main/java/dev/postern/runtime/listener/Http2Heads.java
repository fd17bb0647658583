package dev.postern.runtime.listener;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Flags;
import io.netty.handler.codec.http2.Http2FrameListener;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AsciiString;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Stands between the codec of an HTTP/2 connection and Vert.x: heads that are no request of RFC 9113 8.3 reset their stream
 * before anybody hears of them, and all others are of one form: the host in {@code :authority}, cookies in one line, a
 * length of 0 where nothing follows. Content in crumbs is put together. On the loop of the connection only.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty's outbound calls answer through the pipeline
final class Http2Heads implements Http2FrameListener {
    // As over HTTP/1.1.
    private static final int TRAILER_FIELDS = 16;
    private static final int TRAILER_BYTES = 4 * 1024;
    // RFC 7541 6.3: however large a table the client would keep for us, ours costs memory.
    private static final int TABLE_BYTES = 4096;

    // Pieces of content that are kept one by one take many times their size: smaller ones that arrive together are put
    // together.
    private static final int CRUMB_BYTES = 256;
    private static final int LARGEST_CRUMBS_BYTES = 16 * 1024;
    // On a stream whose head has been seen.
    private static final Object SEEN = new Object();

    /** What the guard wants to know. */
    interface Watcher {
        /** A stream is going to be reset for this. */
        void malformed(Reason reason);

        /** The client has reset a stream that was open. */
        void resetByClient(int stream);

        /** The connection is being made known to us, or has been. */
        void opening(boolean begins);

        /** The client has agreed to our settings. */
        void settled();

        /** A PING was answered. */
        void answered(long data);
    }

    private final Http2ConnectionHandler codec;
    private final Http2Connection connection;
    private final Http2Connection.PropertyKey key;
    private final Http2Connection.PropertyKey crumbsKey;
    private final List<Crumbs> crumbs = new ArrayList<>();
    private final Watcher watcher;
    private final String scheme;
    private final int maxHeaders;
    private final int maxStreams;
    private Http2FrameListener next;

    /** Small pieces of one stream. */
    private static final class Crumbs {
        private final Http2Stream stream;
        private final ByteBuf bytes;
        private boolean over;

        Crumbs(Http2Stream stream, ByteBuf bytes) {
            this.stream = stream;
            this.bytes = bytes;
        }
    }

    /**
     * Not yet installed.
     *
     * @param scheme of the connection
     * @param maxHeaders as many fields are put together; heads with more are passed on as they are, to be refused
     */
    Http2Heads(Http2ConnectionHandler codec, String scheme, int maxHeaders, int maxStreams, Watcher watcher) {
        this.codec = codec;
        this.connection = codec.connection();
        this.key = connection.newKey();
        this.crumbsKey = connection.newKey();
        this.scheme = scheme;
        this.maxHeaders = maxHeaders;
        this.maxStreams = maxStreams;
        this.watcher = watcher;
        next = codec.decoder().frameListener();
    }

    /** Takes its place in front of the codec's listener. */
    void install() {
        codec.decoder().frameListener(this);
        countHere();
    }

    /** A stream that Netty does not open is unknown to it, and content for it an error of the whole connection. */
    private void countHere() {
        connection.remote().maxActiveStreams(Integer.MAX_VALUE);
    }

    // ---- heads

    @Override
    public void onHeadersRead(
            ChannelHandlerContext ctx, int streamId, Http2Headers headers, int padding, boolean endOfStream)
            throws Http2Exception {
        Http2Stream stream = connection.stream(streamId);
        if (stream.getProperty(key) != null) {
            trailers(ctx, stream, headers, padding, endOfStream);
            return;
        }
        if (connection.remote().numActiveStreams() > maxStreams) {
            refuse(ctx, stream, Http2Error.REFUSED_STREAM);
            return;
        }
        Reason wrong = judge(headers, scheme, maxHeaders);
        if (wrong != null) {
            watcher.malformed(wrong);
            refuse(ctx, stream, Http2Error.PROTOCOL_ERROR);
            return;
        }
        stream.setProperty(key, SEEN);
        if (endOfStream && !headers.contains("content-length")) {
            // Whoever is asked for the length before the end was seen need not wait for the end.
            headers.setInt("content-length", 0);
        }
        next.onHeadersRead(ctx, streamId, headers, padding, endOfStream);
    }

    @Override
    public void onHeadersRead(
            ChannelHandlerContext ctx,
            int streamId,
            Http2Headers headers,
            int streamDependency,
            short weight,
            boolean exclusive,
            int padding,
            boolean endOfStream)
            throws Http2Exception {
        // RFC 9113 5.3.1: priorities of this kind are not followed.
        onHeadersRead(ctx, streamId, headers, padding, endOfStream);
    }

    /** Closed at once, not when the reset is out: Vert.x stumbles over open streams that it does not know. */
    private void refuse(ChannelHandlerContext ctx, Http2Stream stream, Http2Error error) {
        codec.encoder().writeRstStream(ctx, stream.id(), error.code(), ctx.newPromise());
        stream.close();
    }

    private void trailers(
            ChannelHandlerContext ctx, Http2Stream stream, Http2Headers trailers, int padding, boolean endOfStream)
            throws Http2Exception {
        int bytes = 0;
        boolean fine = trailers.size() <= TRAILER_FIELDS;
        for (Map.Entry<CharSequence, CharSequence> field : trailers) {
            CharSequence name = field.getKey();
            CharSequence value = field.getValue();
            bytes += name.length() + value.length();
            fine &= FieldSyntax.isName(name) && FieldSyntax.isValue(value) && !FieldSyntax.isOfConnection(name);
        }
        if (!fine || bytes > TRAILER_BYTES) {
            watcher.malformed(Reason.H2_TRAILER);
            throw Http2Exception.streamError(stream.id(), Http2Error.PROTOCOL_ERROR, Reason.H2_TRAILER.code());
        }
        Crumbs before = stream.getProperty(crumbsKey);
        if (before != null) {
            putTogether(ctx, before, false);
        }
        next.onHeadersRead(ctx, stream.id(), trailers, padding, endOfStream);
    }

    /** What is wrong with a head; null when it is of the one form now. */
    static @Nullable Reason judge(Http2Headers headers, String scheme, int maxHeaders) {
        int pseudo = 0;
        int hosts = 0;
        int crumbs = 0;
        boolean regular = false;
        for (Map.Entry<CharSequence, CharSequence> field : headers) {
            CharSequence name = field.getKey();
            CharSequence value = field.getValue();
            if (name.length() > 0 && name.charAt(0) == ':') {
                int bit = pseudo(name, value, scheme);
                if (bit == 0 || (pseudo & bit) != 0 || regular) {
                    return Reason.H2_PSEUDO_HEADER;
                }
                pseudo |= bit;
                continue;
            }
            regular = true;
            if (!FieldSyntax.isName(name)) {
                return Reason.H2_FIELD_NAME;
            }
            if (!FieldSyntax.isValue(value)) {
                return Reason.H2_FIELD_VALUE;
            }
            if (FieldSyntax.isOfConnection(name) || isWrongTe(name, value)) {
                return Reason.H2_CONNECTION_FIELD;
            }
            hosts += is(name, "host") ? 1 : 0;
            crumbs += is(name, "cookie") ? 1 : 0;
        }
        if ((pseudo & 7) != 7 || hosts > 1 || !settleHost(headers, hosts == 1)) {
            return Reason.H2_PSEUDO_HEADER;
        }
        if (crumbs > 1 && headers.size() <= maxHeaders) {
            joinCookies(headers);
        }
        return null;
    }

    /** The bit of a pseudo-header field whose value can be one; 0 for any other. */
    private static int pseudo(CharSequence name, CharSequence value, String scheme) {
        if (is(name, ":method")) {
            return FieldSyntax.isToken(value) ? 1 : 0;
        }
        if (is(name, ":path")) {
            return isPath(value) ? 2 : 0;
        }
        if (is(name, ":scheme")) {
            return AsciiString.contentEqualsIgnoreCase(value, scheme) ? 4 : 0;
        }
        if (is(name, ":authority")) {
            return FieldSyntax.isVisible(value) ? 8 : 0;
        }
        // :protocol too: no tunnels within a stream (RFC 8441) are offered.
        return 0;
    }

    private static boolean isPath(CharSequence path) {
        boolean form = path.length() > 0 && (path.charAt(0) == '/' || AsciiString.contentEquals(path, "*"));
        return form && FieldSyntax.isVisible(path) && AsciiString.indexOf(path, '#', 0) < 0;
    }

    private static boolean isWrongTe(CharSequence name, CharSequence value) {
        return is(name, "te") && !AsciiString.contentEqualsIgnoreCase(value, "trailers");
    }

    /** RFC 9113 8.3.1: one host, and always in the same place. */
    private static boolean settleHost(Http2Headers headers, boolean byHost) {
        CharSequence authority = headers.authority();
        if (!byHost) {
            return authority != null;
        }
        CharSequence host = headers.get("host");
        if (host == null || (authority != null && !AsciiString.contentEqualsIgnoreCase(authority, host))) {
            return false;
        }
        headers.remove("host");
        if (authority == null) {
            if (!FieldSyntax.isVisible(host)) {
                return false;
            }
            headers.authority(host);
        }
        return true;
    }

    /** RFC 9113 8.2.3: cookies may come in crumbs, and must not go on so over HTTP/1.1. */
    private static void joinCookies(Http2Headers headers) {
        List<CharSequence> crumbs = headers.getAllAndRemove("cookie");
        // An empty one would leave a blank at the end of the line.
        crumbs.removeIf(crumb -> crumb.length() == 0);
        headers.add("cookie", String.join("; ", crumbs));
    }

    private static boolean is(CharSequence name, String other) {
        return AsciiString.contentEquals(name, other);
    }

    // ---- the rest

    @Override
    public int onDataRead(ChannelHandlerContext ctx, int streamId, ByteBuf data, int padding, boolean endOfStream)
            throws Http2Exception {
        Http2Stream stream = connection.stream(streamId);
        Crumbs mine = stream == null ? null : stream.getProperty(crumbsKey);
        if (mine == null && (stream == null || endOfStream || data.readableBytes() >= CRUMB_BYTES)) {
            return next.onDataRead(ctx, streamId, data, padding, endOfStream);
        }
        if (mine == null) {
            mine = new Crumbs(stream, ctx.alloc().heapBuffer(CRUMB_BYTES));
            stream.setProperty(crumbsKey, mine);
            crumbs.add(mine);
        }
        mine.bytes.writeBytes(data, data.readerIndex(), data.readableBytes());
        if (endOfStream || mine.bytes.readableBytes() >= LARGEST_CRUMBS_BYTES) {
            putTogether(ctx, mine, endOfStream);
        }
        // The rest counts against the client's window until its reader has it.
        return padding;
    }

    /** All that arrived together has been read: what small pieces have been put together goes on. */
    void passOn(ChannelHandlerContext ctx) {
        for (int i = 0; i < crumbs.size(); i++) {
            Crumbs mine = crumbs.get(i);
            try {
                putTogether(ctx, mine, false);
            } catch (Http2Exception | RuntimeException broken) {
                codec.onError(ctx, false, broken);
            }
        }
        crumbs.clear();
    }

    private void putTogether(ChannelHandlerContext ctx, Crumbs mine, boolean endOfStream) throws Http2Exception {
        if (mine.over) {
            return;
        }
        mine.over = true;
        mine.stream.removeProperty(crumbsKey);
        try {
            if (mine.stream.state() != Http2Stream.State.CLOSED) {
                next.onDataRead(ctx, mine.stream.id(), mine.bytes, 0, endOfStream);
            }
        } finally {
            mine.bytes.release();
        }
    }

    /** Nobody gets what is left. */
    void drop() {
        for (Crumbs mine : crumbs) {
            if (!mine.over) {
                mine.over = true;
                mine.bytes.release();
            }
        }
        crumbs.clear();
    }

    @Override
    public void onRstStreamRead(ChannelHandlerContext ctx, int streamId, long errorCode) throws Http2Exception {
        watcher.resetByClient(streamId);
        next.onRstStreamRead(ctx, streamId, errorCode);
    }

    @Override
    public void onSettingsRead(ChannelHandlerContext ctx, Http2Settings settings) throws Http2Exception {
        watcher.opening(true);
        try {
            next.onSettingsRead(ctx, settings);
        } finally {
            watcher.opening(false);
        }
        Http2FrameListener installed = codec.decoder().frameListener();
        if (installed != this) {
            // With the first settings Vert.x puts its connection in the place of whoever was there.
            next = installed;
            codec.decoder().frameListener(this);
        }
        var table = codec.encoder().configuration().headersConfiguration();
        if (table.maxHeaderTableSize() > TABLE_BYTES) {
            table.maxHeaderTableSize(TABLE_BYTES);
        }
    }

    @Override
    public void onSettingsAckRead(ChannelHandlerContext ctx) throws Http2Exception {
        next.onSettingsAckRead(ctx);
        countHere();
        watcher.settled();
    }

    @Override
    public void onPingRead(ChannelHandlerContext ctx, long data) throws Http2Exception {
        next.onPingRead(ctx, data);
    }

    @Override
    public void onPingAckRead(ChannelHandlerContext ctx, long data) throws Http2Exception {
        watcher.answered(data);
    }

    @Override
    public void onPriorityRead(
            ChannelHandlerContext ctx, int streamId, int streamDependency, short weight, boolean exclusive) {
        // RFC 9113 5.3.1: of a scheme that nobody uses any more.
    }

    @Override
    public void onPushPromiseRead(
            ChannelHandlerContext ctx, int streamId, int promisedStreamId, Http2Headers headers, int padding)
            throws Http2Exception {
        next.onPushPromiseRead(ctx, streamId, promisedStreamId, headers, padding);
    }

    @Override
    public void onGoAwayRead(ChannelHandlerContext ctx, int lastStreamId, long errorCode, ByteBuf debugData)
            throws Http2Exception {
        next.onGoAwayRead(ctx, lastStreamId, errorCode, debugData);
    }

    @Override
    public void onWindowUpdateRead(ChannelHandlerContext ctx, int streamId, int windowSizeIncrement)
            throws Http2Exception {
        next.onWindowUpdateRead(ctx, streamId, windowSizeIncrement);
    }

    @Override
    public void onUnknownFrame(
            ChannelHandlerContext ctx, byte frameType, int streamId, Http2Flags flags, ByteBuf payload) {
        // RFC 9113 5.5: ignored, and not copied either.
    }
}
