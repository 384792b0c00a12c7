package qupath.lib.regions;

import qupath.lib.images.servers.ImageServers;

public class RegionRequest {
    public final double downsample;

    private RegionRequest(double downsample) { this.downsample = downsample; }
    public static RegionRequest createInstance(ImageServers.Server server, double downsample) { return new RegionRequest(downsample); }
}
