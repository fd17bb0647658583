package dev.postern.runtime;

import dev.postern.GatewayStartException;

/** JVM switches that would make the parsers beneath us lenient: with one of them set no gateway starts. */
final class ParserSwitches {
    private ParserSwitches() {}

    static void check() {
        if (System.getProperty("vertx.disableHttpHeadersValidation") != null) {
            throw weakened("vertx.disableHttpHeadersValidation");
        }
        refuseFalse("io.netty.handler.codec.http.defaultStrictLineParsing");
        refuseFalse("io.netty.handler.codec.http.rfc9112TransferEncoding");
    }

    private static void refuseFalse(String name) {
        if ("false".equals(System.getProperty(name))) {
            throw weakened(name);
        }
    }

    private static GatewayStartException weakened(String name) {
        return new GatewayStartException(
                "the system property " + name
                        + " switches off checks that protect against request smuggling (remove it)",
                null);
    }
}
