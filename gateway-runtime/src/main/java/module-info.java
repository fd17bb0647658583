/** Runs a gateway on Vert.x. */
@org.jspecify.annotations.NullMarked
module dev.postern.runtime {
    requires transitive dev.postern.api;
    requires transitive io.vertx.core;
    requires io.vertx.web.client;
    requires io.vertx.web.common;
    requires io.netty.buffer;
    requires com.fasterxml.jackson.core;
    requires com.fasterxml.jackson.databind;
    requires io.netty.codec;
    requires io.netty.codec.dns;
    requires io.netty.codec.http;
    requires io.netty.codec.http2;
    requires io.netty.common;
    requires io.netty.handler;
    requires io.netty.resolver.dns;
    requires io.netty.transport;
    requires re2j;
    requires static micrometer.core;
    requires static transitive org.jspecify;

    exports dev.postern.runtime;
    exports dev.postern.runtime.simulation;

    provides dev.postern.spi.GatewayRuntime with
            dev.postern.runtime.VertxRuntime;
}
