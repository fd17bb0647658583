package dev.postern.runtime.forward;

import dev.postern.Failure;
import dev.postern.GatewayException;
import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.DecoderException;
import io.vertx.core.http.StreamResetException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLException;

/** What exceptions of Vert.x and Netty mean for an exchange. */
final class UpstreamFailures {
    private static final long REFUSED_STREAM = 7;

    private UpstreamFailures() {}

    /** A connection could not be made: nothing was sent. */
    static GatewayException connecting(String endpoint, Throwable cause) {
        return new GatewayException(
                kindOfConnect(cause), "connect to " + endpoint + " failed: " + cause.getMessage(), cause);
    }

    /** A connection broke before the response head. */
    static GatewayException beforeHead(String endpoint, Throwable cause) {
        Failure kind = malformed(cause) ? Failure.RESPONSE_MALFORMED : Failure.RESET_BEFORE_HEAD;
        return new GatewayException(kind, endpoint + " gave no response: " + cause, cause);
    }

    /** A connection broke within the response body. */
    static GatewayException withinBody(String endpoint, Throwable cause) {
        return new GatewayException(
                Failure.RESPONSE_BODY_BROKEN, endpoint + " broke off its response: " + cause, cause);
    }

    /** Whether an endpoint of HTTP/2 has refused a stream unseen (RFC 9113 8.7). */
    static boolean isRefused(Throwable cause) {
        return cause instanceof StreamResetException reset && reset.getCode() == REFUSED_STREAM;
    }

    private static Failure kindOfConnect(Throwable cause) {
        for (Throwable at = cause; at != null; at = at.getCause()) {
            if (at instanceof UnknownHostException) {
                return Failure.DNS_FAILED;
            }
            if (at instanceof ConnectTimeoutException) {
                return Failure.CONNECT_TIMEOUT;
            }
            if (at instanceof SSLException || at instanceof GeneralSecurityException) {
                return Failure.TLS_FAILED;
            }
            if (at instanceof ConnectException || at instanceof NoRouteToHostException) {
                return Failure.CONNECT_FAILED;
            }
        }
        return Failure.CONNECT_FAILED;
    }

    private static boolean malformed(Throwable cause) {
        // Netty's decoder reports what it cannot read as the first two, Vert.x a version it does not know as the third;
        // a
        // connection that ends is none of them.
        return cause instanceof IllegalArgumentException
                || cause instanceof DecoderException
                || cause instanceof IllegalStateException;
    }
}
