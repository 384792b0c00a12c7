package qupath.lib.regions;

import qupath.lib.images.servers.ImageServers;

public class RegionRequest {
    public static RegionRequest createInstance(ImageServers.Server server, double downsample) { return new RegionRequest(); }
}
