package dev.postern.runtime.forward;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameListenerDecorator;
import io.netty.handler.codec.http2.Http2Headers;
import org.jspecify.annotations.Nullable;

/**
 * Drops interim responses of HTTP/2 that Vert.x would take for the response: RFC 9110 15.2 has clients parse any of them, and
 * lets a proxy drop those it did not ask for. Left are 100 and 103, which Vert.x knows, and 101, which HTTP/2 does not have:
 * that is a malformed response. {@link ResponseFraming} does the same for HTTP/1.1. On the connection's loop only.
 */
final class InterimResponses extends Http2FrameListenerDecorator {
    private InterimResponses(Http2ConnectionHandler codec) {
        super(codec.decoder().frameListener());
    }

    /** Looks at a connection that has been made and has carried nothing. */
    static void drop(@Nullable Channel channel) {
        Http2ConnectionHandler codec =
                channel == null ? null : channel.pipeline().get(Http2ConnectionHandler.class);
        if (codec != null) {
            codec.decoder().frameListener(new InterimResponses(codec));
        }
    }

    private static boolean isNoise(Http2Headers headers, boolean endOfStream) {
        CharSequence status = headers.status();
        // RFC 9113 8.1: one that ends its stream is malformed, and no response will follow.
        if (endOfStream || status == null || status.length() != 3 || status.charAt(0) != '1') {
            return false;
        }
        char second = status.charAt(1);
        char third = status.charAt(2);
        boolean known = second == '0' && (third == '0' || third == '1' || third == '3');
        return !known && second >= '0' && second <= '9' && third >= '0' && third <= '9';
    }

    @Override
    public void onHeadersRead(
            ChannelHandlerContext ctx, int streamId, Http2Headers headers, int padding, boolean endOfStream)
            throws Http2Exception {
        if (!isNoise(headers, endOfStream)) {
            super.onHeadersRead(ctx, streamId, headers, padding, endOfStream);
        }
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
        if (!isNoise(headers, endOfStream)) {
            super.onHeadersRead(ctx, streamId, headers, streamDependency, weight, exclusive, padding, endOfStream);
        }
    }
}
