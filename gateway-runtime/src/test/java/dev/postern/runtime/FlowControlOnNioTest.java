package dev.postern.runtime;

import dev.postern.runtime.rig.GatewayRig;

/** The same on the JDK's transport, in a Vertx of the host. */
class FlowControlOnNioTest extends FlowControlTest {
    @Override
    GatewayRig rig() {
        return new GatewayRig().onNio();
    }
}
