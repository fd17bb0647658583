package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.GatewayStartException;
import dev.postern.Listener;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Running;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.VertxWrapper;
import io.vertx.core.internal.http.HttpServerInternal;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** With a Vert.x that makes its servers in another way, there is no guard before the decoder: no silent degraded mode. */
class UnguardedTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @Test
    void a_listener_whose_bytes_are_not_guarded_does_not_start() {
        Vertx unfitting = new PastTheHook((VertxInternal) rig.vertx());
        Running running = rig.prepare(
                gateway -> gateway.listen(Listener.http(0).host("127.0.0.1").name("public")),
                VertxRuntime.using(unfitting));
        assertThatThrownBy(() -> running.gateway().start())
                .isInstanceOf(GatewayStartException.class)
                .hasMessageContaining("listener \"public\": the byte guard is not in place")
                .hasMessageContaining("withoutByteGuard()");
        assertThat(running.gateway().health().live()).isFalse();
        assertThat(running.gateway().listeners()).isEmpty();
    }

    @Test
    void it_starts_when_that_is_asked_for_in_so_many_words() {
        Vertx unfitting = new PastTheHook((VertxInternal) rig.vertx());
        Running running = rig.prepare(
                gateway -> gateway.listen(Listener.http(0).host("127.0.0.1").withoutByteGuard()),
                VertxRuntime.using(unfitting));
        running.gateway().start();
        assertThat(running.gateway().listeners()).hasSize(1);
    }

    /** Its servers listen on contexts of their own, and serve what gets through to them. */
    private static final class PastTheHook extends VertxWrapper {
        PastTheHook(VertxInternal delegate) {
            super(delegate);
        }

        @Override
        public HttpServerInternal createHttpServer(HttpServerOptions options) {
            HttpServerInternal server = (HttpServerInternal) super.createHttpServer(options);
            server.requestHandler(request -> request.response()
                    .end()
                    .onComplete(sent -> request.connection().close()));
            return (HttpServerInternal) Proxy.newProxyInstance(
                    UnguardedTest.class.getClassLoader(),
                    new Class<?>[] {HttpServerInternal.class},
                    (self, method, args) -> {
                        if (method.getName().equals("requestHandler")) {
                            return self;
                        }
                        for (int i = 0; args != null && i < args.length; i++) {
                            args[i] = args[i] instanceof ContextInternal ? delegate.createEventLoopContext() : args[i];
                        }
                        try {
                            return method.invoke(server, args);
                        } catch (InvocationTargetException thrown) {
                            throw thrown.getCause();
                        }
                    });
        }
    }
}
