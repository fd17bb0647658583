package dev.postern.runtime.balancing;

import dev.postern.Failure;

/** Is told what the attempts at an upstream's endpoints were like. Called on any thread; must be quick and must not throw. */
public interface Witness {
    /** A response head has come. */
    void answered(EndpointState endpoint, int status);

    /** None has come, and that is not the client's doing. */
    void unanswered(EndpointState endpoint, Failure failure);

    /** An active check has passed. */
    void checked(EndpointState endpoint);
}
